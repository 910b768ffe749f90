import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from './backoff.ts'
import { createBell } from './bell.ts'
import type { CorrosionClient } from './client.ts'
import { describeError } from './errors.ts'
import type { FollowEvent, FollowState, SubscriptionCursor } from './follow-event.ts'
import { createSession } from './follow-session.ts'
import { createObserver } from './observer.ts'
import { createPendingReads } from './pending-reads.ts'
import type { Shadow } from './shadow.ts'
import { createTableReader } from './table-reader.ts'

export interface FollowOptions {
  table: string
  /** What the caller holds. It is asked when an event is made, so it must be up to date by then. */
  shadow: Shadow
  /** From the last `rows` event that was committed. Without one the whole table is compared. */
  cursor?: SubscriptionCursor | undefined
  /** Ends it: the iteration completes. */
  signal: AbortSignal
  /** Whole table against shadow, so often; 0 (the default) is never. */
  auditIntervalMs?: number | undefined
  /** How often a silent agent is asked for a sign of life. Default 2 s. */
  probeIntervalMs?: number | undefined
  /** The clock of `seenAt`: microseconds since the Unix epoch. Default: this machine's. */
  now?: (() => number) | undefined
  /** Of the reconnection's jitter; in [0, 1). */
  random?: (() => number) | undefined
}

/** Can be iterated once. Nothing is opened before, and breaking out of the loop closes all. */
export interface Follow extends AsyncIterable<FollowEvent> {
  readonly state: FollowState
  /** Closes the streams and gives nothing but the state until `resume`, which loses nothing. */
  pause(reason?: string): void
  resume(): void
}

const reconnectDelay = { minMs: 100, maxMs: 2_000 }

/**
 * Follows one table: every state of a row that this node is seen to hold is given once, as long as
 * the caller's shadow remembers it; states that pass between two looks collapse into the last.
 *
 * The updates feed names keys within milliseconds but forgets; the subscription is up to 600 ms
 * late but can be resumed and counts its changes. Both only name keys: the rows are read together
 * with their version, one read of a key after the other, so a key never goes back in time.
 */
export function follow(client: CorrosionClient, options: FollowOptions): Follow {
  const { shadow, random = Math.random } = options
  const left = new AbortController()
  const signal = AbortSignal.any([options.signal, left.signal])
  const bell = createBell()
  const notices: FollowEvent[] = []
  const say = (event: FollowEvent) => {
    notices.push(event)
    bell.ring()
  }
  const pending = createPendingReads()
  const reader = createTableReader(client, pending, bell)
  const session = createSession({ ...options, client, bell, pending, reader, say })
  const observer = createObserver(shadow)

  let state: FollowState = 'connecting'
  let said = ''
  let pausedFor: { reason: string | undefined } | undefined
  let interruption = new AbortController()

  const isPaused = () => pausedFor !== undefined

  const enter = (next: Exclude<FollowState, 'live'>, reason?: string) => {
    state = next
    // A reconnection that fails says its reason once, not at each attempt.
    if (said === `${next} ${reason}`) return
    said = `${next} ${reason}`
    say({ kind: 'state', state: next, reason })
  }

  /** Opens one session after the other until the signal is aborted. */
  const keepOpen = async (): Promise<never> => {
    let attempt = 0
    enter('connecting')
    for (;;) {
      if (pausedFor !== undefined) enter('paused', pausedFor.reason)
      while (isPaused()) await bell.heard(signal)
      if (state !== 'connecting' && state !== 'resuming') enter('resuming')
      interruption = new AbortController()
      const interrupted = AbortSignal.any([signal, interruption.signal])
      const failure = await session
        .run(interrupted, {
          comparing: () => enter('snapshot'),
          live(event) {
            attempt = 0
            state = 'live'
            said = 'live'
            say(event)
          },
        })
        .catch((error: unknown) => error)
      signal.throwIfAborted()
      if (interruption.signal.aborted) continue
      const reason = describeError(failure)
      enter(state === 'live' || state === 'snapshot' ? 'lost' : state, reason)
      const waitMs = backoffMs(attempt++, { ...reconnectDelay, random })
      // Rejects only when it is interrupted, which the next turn looks into.
      await delay(waitMs, undefined, { signal: interrupted }).catch(() => signal.throwIfAborted())
    }
  }

  async function* iterate(): AsyncGenerator<FollowEvent, void, undefined> {
    let cursor = options.cursor
    const end: { isReached: boolean; error?: unknown } = { isReached: false }
    const over = keepOpen().catch((error: unknown) => {
      end.isReached = true
      end.error = error
      bell.ring()
    })
    try {
      while (!end.isReached) {
        const notice = notices.shift()
        if (notice !== undefined) {
          yield notice
          continue
        }
        const next = isPaused() ? undefined : reader.next()
        const place = isPaused() ? undefined : session.cursor(next?.batch)
        const moved = isSame(place, cursor) ? undefined : place
        const { rows, seconds } = observer.observe(next)
        if (rows.length > 0 || (next === undefined && moved !== undefined)) {
          cursor = moved ?? cursor
          yield { kind: 'rows', rows, cursor: moved }
        }
        if (seconds.length > 0) yield { kind: 'seconds', seconds }
        if (next !== undefined) {
          // The caller has come back, so the rows are committed and may be read again.
          pending.release(next.batch)
          reader.wake()
          bell.ring()
        } else if (moved === undefined) {
          await bell.heard()
        }
      }
      if (!signal.aborted) throw end.error
    } finally {
      left.abort()
      await over
    }
  }

  let isIterated = false
  return {
    [Symbol.asyncIterator]() {
      if (isIterated) throw new Error('a follow can be iterated once')
      isIterated = true
      return iterate()
    },
    get state() {
      return state
    },
    pause(reason) {
      pausedFor = { reason }
      interruption.abort()
      bell.ring()
    },
    resume() {
      pausedFor = undefined
      bell.ring()
    },
  }
}

function isSame(a: SubscriptionCursor | undefined, b: SubscriptionCursor | undefined): boolean {
  return a?.subscriptionId === b?.subscriptionId && a?.changeId === b?.changeId
}
