import type { RowState } from './row-reader.ts'

/**
 * `connecting` until the agent answers for the first time, `snapshot` while the whole table is
 * compared with the shadow, `live`, `paused` by the caller, `lost` when a stream ended or the agent
 * stopped answering, `resuming` while it is tried again.
 */
export type FollowState = 'connecting' | 'snapshot' | 'live' | 'paused' | 'lost' | 'resuming'

/** All changes of the subscription up to `changeId` have been read and given to the caller. */
export interface SubscriptionCursor {
  subscriptionId: string
  changeId: number
}

export interface ObservedRow extends RowState {
  /** What named the key first. `catch-up` is a comparison of the table with the shadow. */
  via: 'updates' | 'subscription' | 'catch-up'
  change: 'insert' | 'update' | 'delete'
  /** When that was, in microseconds since the Unix epoch, by this machine's clock. */
  seenAt: number
}

/** A state that came on the updates feed has now been told by the subscription as well. */
export interface SecondSight {
  keyText: string
  version: string
  /** Microseconds since the Unix epoch. */
  updatesSeenAt: number
  subscriptionSeenAt: number
}

export type FollowEvent =
  /**
   * Rows that differ from the shadow. Commit them, and the cursor with them, before asking for the
   * next event. `cursor` undefined leaves the stored one as it is; `rows` is empty when only the
   * cursor has moved.
   */
  | { kind: 'rows'; rows: ObservedRow[]; cursor: SubscriptionCursor | undefined }
  | { kind: 'seconds'; seconds: SecondSight[] }
  | { kind: 'state'; state: Exclude<FollowState, 'live'>; reason: string | undefined }
  | {
      kind: 'state'
      state: 'live'
      subscriptionId: string
      /** The last change id before it went live. */
      changeId: number
      /** It goes on without a gap; else the table was compared with the shadow. */
      wasResumed: boolean
      /** Rows that the comparison found to differ. */
      caughtUpRows: number
    }
  /** The place in the subscription was lost: the table is compared with the shadow. */
  | { kind: 'gap'; reason: string }
  /** The whole table was compared with the shadow. `differing`: keys that did so twice. */
  | { kind: 'audit'; rowCount: number; differing: string[]; durationMs: number }
