import { inTrace, type StateFile } from '@corroport/bus'
import {
  changeObserved,
  nowMicroseconds,
  subscriptionAudited,
  subscriptionGapped,
  subscriptionLive,
  subscriptionLost,
  subscriptionResumed,
  toTimestamp,
} from '@corroport/contracts'
import {
  type CorrosionClient,
  type FollowEvent,
  type FollowState,
  follow,
} from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import { toChangeObserved, traceparentOf } from './change-event.ts'
import { createFlushLag } from './flush-lag.ts'
import type { SubscriberMetrics } from './metrics.ts'
import { createSeenRows } from './seen-rows.ts'

export interface FollowedTable extends AsyncDisposable {
  readonly table: string
  readonly state: FollowState
  /** Why it is not live, where that is known. */
  readonly reason: string | undefined
  readonly since: string
  readonly lastChangeAt: string | null
  /** Null until the subscription has a place. */
  readonly lastChangeId: number | null
  rows(): number
  pause(reason: string): void
  resume(): void
}

export interface FollowTableOptions {
  client: CorrosionClient
  nodeId: string
  table: string
  state: StateFile
  auditIntervalMs: number
  log: Logger
  metrics: SubscriberMetrics
}

/** Follows one table and tells every row state once. */
export function followTable(options: FollowTableOptions): FollowedTable {
  const { client, nodeId, table, state, auditIntervalMs, metrics } = options
  const log = options.log.child({ table })
  const stopping = new AbortController()
  const seen = createSeenRows(state.db, table)
  const flushLag = createFlushLag()
  let since = toTimestamp(nowMicroseconds())
  let lastChangeAt: string | null = null
  let failure: string | undefined

  const following = follow(client, {
    table,
    shadow: seen,
    cursor: seen.cursor(),
    auditIntervalMs,
    now: nowMicroseconds,
    signal: stopping.signal,
  })

  const commitRows = ({ rows, cursor }: Extract<FollowEvent, { kind: 'rows' }>): void => {
    state.transaction((tell) => {
      for (const row of rows) {
        const event = toChangeObserved(nodeId, table, row)
        if (event) inTrace(traceparentOf(row), () => tell(changeObserved, { nodeId }, event))
        else {
          metrics.untold.inc({ table })
          log.warn({ keyBytes: row.keyText.length }, 'row not told, its key is too large')
        }
      }
      seen.apply(rows, cursor)
    })
    for (const { via } of rows) {
      metrics.changes.inc({ table, via })
      if (via === 'catch-up') metrics.caughtUp.inc({ table })
    }
    if (rows.length > 0) lastChangeAt = toTimestamp(nowMicroseconds())
  }

  const tellState = (event: Extract<FollowEvent, { kind: 'state' }>): void => {
    const at = toTimestamp(nowMicroseconds())
    since = at
    failure = event.state === 'live' ? undefined : event.reason
    if (event.state === 'resuming' && failure)
      log.warn({ reason: failure }, 'subscription not opened')
    if (event.state === 'live') {
      const { subscriptionId, changeId, wasResumed, caughtUpRows } = event
      log.info({ subscriptionId, wasResumed, caughtUpRows }, 'subscription live')
      state.transaction((tell) => {
        if (wasResumed) {
          const fromChangeId = changeId
          tell(subscriptionResumed, { nodeId }, { nodeId, table, at, subscriptionId, fromChangeId })
        } else {
          tell(subscriptionLive, { nodeId }, { nodeId, table, at, subscriptionId, caughtUpRows })
        }
      })
    }
    if (event.state === 'lost') {
      const reason = event.reason ?? 'it ended'
      log.warn({ reason }, 'subscription lost')
      metrics.lost.inc({ table })
      state.transaction((tell) => tell(subscriptionLost, { nodeId }, { nodeId, table, at, reason }))
    }
  }

  const tellAudit = (event: Extract<FollowEvent, { kind: 'audit' }>): void => {
    const { rowCount, differing, durationMs } = event
    metrics.auditDiffering.set({ table }, differing.length)
    if (differing.length > 0)
      log.error({ differing: differing.slice(0, 10) }, 'audit found rows that were missed')
    state.transaction((tell) =>
      tell(
        subscriptionAudited,
        { nodeId },
        {
          nodeId,
          table,
          at: toTimestamp(nowMicroseconds()),
          rows: rowCount,
          differing: differing.length,
          differingKeys: differing.slice(0, 100).map((key) => key.slice(0, 200)),
          durationMs,
          flushLagMs: flushLag.take(),
        },
      ),
    )
  }

  const handle = (event: FollowEvent): void => {
    switch (event.kind) {
      case 'rows':
        commitRows(event)
        return
      case 'seconds':
        flushLag.add(event.seconds)
        return
      case 'state':
        tellState(event)
        return
      case 'gap': {
        log.warn({ reason: event.reason }, 'subscription gapped')
        const at = toTimestamp(nowMicroseconds())
        const { reason } = event
        state.transaction((tell) =>
          tell(subscriptionGapped, { nodeId }, { nodeId, table, at, reason }),
        )
        return
      }
      case 'audit':
        tellAudit(event)
        return
      default:
        event satisfies never
    }
  }

  const running = (async () => {
    for await (const event of following) handle(event)
  })()
  // A handler that fails (a full disk) must not go on without what it could not commit: the process
  // ends, is started again, and continues from its state file.
  running.catch((err: unknown) => {
    log.fatal({ err }, 'changes cannot be committed')
    setImmediate(() => {
      throw err
    })
  })

  return {
    table,
    get state() {
      return following.state
    },
    get reason() {
      return failure
    },
    get since() {
      return since
    },
    get lastChangeAt() {
      return lastChangeAt
    },
    get lastChangeId() {
      return seen.cursor()?.changeId ?? null
    },
    rows: () => seen.count(),
    pause: (reason) => following.pause(reason),
    resume: () => following.resume(),
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}
