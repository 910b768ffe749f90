import { setTimeout as wait } from 'node:timers/promises'
import {
  inTrace,
  isVolumeFull,
  type Span,
  type StateFile,
  startSpan,
  type Tell,
} from '@corroport/bus'
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
  type ObservedRow,
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

const retryMs = 1000
const observeSpan = { service: 'subscriber', kind: 'consumer' } as const

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

  /**
   * Until it is committed: nothing is taken from the follower meanwhile, so that its cursor stays
   * before what is not. Throws what waiting does not mend, and when this stops.
   */
  const commit = async (attempt: () => void): Promise<void> => {
    for (;;) {
      try {
        attempt()
        return
      } catch (error) {
        if (!isVolumeFull(error)) throw error
      }
      do await wait(retryMs, undefined, { signal: stopping.signal })
      while (!state.health().ok)
    }
  }

  const keep = (work: (tell: Tell) => void) => commit(() => state.transaction(work))

  const commitRows = ({ rows, cursor }: Extract<FollowEvent, { kind: 'rows' }>): void => {
    const spans: Span[] = []
    /** In the trace of who wrote the row. Its span ends with the transaction. */
    const inTraceOf = (row: ObservedRow, work: () => void): void => {
      const parent = traceparentOf(row)
      const attributes = { 'corroport.via': row.via }
      const span = startSpan({ ...observeSpan, name: `observe ${table}`, parent, attributes })
      if (span) spans.push(span)
      if (span) span.run(work)
      else inTrace(parent, work)
    }
    const untold: ObservedRow[] = []
    let cause: unknown
    try {
      state.transaction((tell) => {
        for (const row of rows) {
          const event = toChangeObserved(nodeId, table, row)
          if (event) inTraceOf(row, () => tell(changeObserved, { nodeId }, event))
          else untold.push(row)
        }
        seen.apply(rows, cursor)
      })
    } catch (error) {
      cause = error
      throw error
    } finally {
      for (const span of spans) span.end(cause)
    }
    for (const { keyText } of untold) {
      metrics.untold.inc({ table })
      log.warn({ keyBytes: keyText.length }, 'row not told, its key is too large')
    }
    for (const { via } of rows) {
      metrics.changes.inc({ table, via })
      if (via === 'catch-up') metrics.caughtUp.inc({ table })
    }
    if (rows.length > 0) lastChangeAt = toTimestamp(nowMicroseconds())
  }

  const tellState = async (event: Extract<FollowEvent, { kind: 'state' }>): Promise<void> => {
    const at = toTimestamp(nowMicroseconds())
    since = at
    failure = event.state === 'live' ? undefined : event.reason
    if (event.state === 'resuming' && failure)
      log.warn({ reason: failure }, 'subscription not opened')
    if (event.state === 'live') {
      const { subscriptionId, changeId, wasResumed, caughtUpRows } = event
      log.info({ subscriptionId, wasResumed, caughtUpRows }, 'subscription live')
      await keep((tell) => {
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
      await keep((tell) => tell(subscriptionLost, { nodeId }, { nodeId, table, at, reason }))
    }
  }

  const tellAudit = async (event: Extract<FollowEvent, { kind: 'audit' }>): Promise<void> => {
    const { rowCount, differing, durationMs } = event
    metrics.auditDiffering.set({ table }, differing.length)
    if (differing.length > 0)
      log.error({ differing: differing.slice(0, 10) }, 'audit found rows that were missed')
    const audited = {
      nodeId,
      table,
      at: toTimestamp(nowMicroseconds()),
      rows: rowCount,
      differing: differing.length,
      differingKeys: differing.slice(0, 100).map((key) => key.slice(0, 200)),
      durationMs,
      flushLagMs: flushLag.take(),
    }
    await keep((tell) => tell(subscriptionAudited, { nodeId }, audited))
  }

  const handle = async (event: FollowEvent): Promise<void> => {
    switch (event.kind) {
      case 'rows':
        await commit(() => commitRows(event))
        return
      case 'seconds':
        flushLag.add(event.seconds)
        return
      case 'state':
        await tellState(event)
        return
      case 'gap': {
        log.warn({ reason: event.reason }, 'subscription gapped')
        const at = toTimestamp(nowMicroseconds())
        const { reason } = event
        await keep((tell) => tell(subscriptionGapped, { nodeId }, { nodeId, table, at, reason }))
        return
      }
      case 'audit':
        await tellAudit(event)
        return
      default:
        event satisfies never
    }
  }

  const running = (async () => {
    try {
      for await (const event of following) await handle(event)
    } catch (error) {
      // What waited for room when this was stopped is seen again by the next process.
      if (!(stopping.signal.aborted && Error.isError(error) && error.name === 'AbortError'))
        throw error
    }
  })()
  // What cannot be committed at all must not be gone on without: the process ends, is started
  // again, and continues from its state file.
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
