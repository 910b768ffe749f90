import { join } from 'node:path'
import { aborted, type Bus, openStateFile } from '@corroport/bus'
import {
  analyticsRelationsQueried,
  analyticsTablesQueried,
  analyticsVacuumed,
  changeObserved,
  clockProbed,
  clockSampled,
  clocksQueried,
  configQueried,
  experimentBegun,
  experimentCreated,
  experimentDeleted,
  experimentEnded,
  experimentFinished,
  experimentImported,
  experimentProgressed,
  experimentQueried,
  experimentStarted,
  experimentsCompared,
  experimentsListed,
  figuresQueried,
  ledgerQueried,
  membersRemoved,
  messagesQueried,
  nodeAnnounced,
  nodeViewed,
  pairsQueried,
  propagationQueried,
  schemaQueried,
  shareOrdered,
  shareQueried,
  shareStopped,
  storedEventsQueried,
} from '@corroport/contracts'
import { openDirectory, openViews } from '@corroport/identity'
import type { Health } from '@corroport/service'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { answerBundles } from './bundle/answer-bundles.ts'
import { startClocks } from './clocks/start-clocks.ts'
import { answerComparisons } from './comparison/answer-comparisons.ts'
import type { Config } from './config.ts'
import { startExperiments } from './experiments/start-experiments.ts'
import { answerLedger } from './ingest/answer-ledger.ts'
import { type Ingest, startIngest } from './ingest/start-ingest.ts'
import { lead } from './leader.ts'
import { metricsOfTerm } from './metrics-of-term.ts'
import { startPropagation } from './propagation/start-propagation.ts'
import { answerQueries } from './query/answer-queries.ts'
import { createRoster } from './roster.ts'
import { schemaCurrent } from './schema-current.ts'
import { answerFigures } from './statistics/answer-figures.ts'
import { answerSchema } from './store/answer-schema.ts'
import { openDatabase } from './store/database.ts'
import { startRetention } from './store/start-retention.ts'

export const says = [
  experimentStarted,
  experimentFinished,
  experimentProgressed,
  clockSampled,
] as const
/** And every other record, which it stores. */
export const hears = [changeObserved, nodeAnnounced, nodeViewed, membersRemoved] as const
export const asks = [clockProbed, configQueried, shareOrdered, shareStopped, shareQueried] as const
export const answers = [
  experimentCreated,
  experimentBegun,
  experimentEnded,
  experimentDeleted,
  experimentsListed,
  experimentQueried,
  figuresQueried,
  pairsQueried,
  messagesQueried,
  storedEventsQueried,
  experimentImported,
  experimentsCompared,
  propagationQueried,
  analyticsVacuumed,
  ledgerQueried,
  clocksQueried,
  schemaQueried,
  analyticsTablesQueried,
  analyticsRelationsQueried,
] as const

export interface AnalyticsDeps {
  bus: Bus
  log: Logger
  health: Health
  metrics: Registry
}

/** Stores every record and answers what can be known of them. Of several processes, one works. */
export function startAnalytics(config: Config, deps: AnalyticsDeps): AsyncDisposable {
  const { bus, log, health, metrics } = deps
  const { databaseUrl, stateDir, retentionDays, ackWaitMs, clockProbeIntervalMs } = config
  const stack = new AsyncDisposableStack()
  const { db } = stack.use(openDatabase({ url: databaseUrl, log, name: 'analytics' }))
  const directory = stack.use(
    openDirectory({ bus, log, path: join(stateDir, 'analytics-nodes.json') }),
  )
  const views = stack.use(openViews({ bus }))
  const state = stack.use(
    openStateFile({ path: join(stateDir, 'analytics.sqlite'), migrations: [], bus, log }),
  )
  const roster = stack.use(createRoster({ bus, directory, views }))
  const shared = { db, bus, state, directory, roster, log, metrics }
  stack.use(answerSchema(shared))

  let ingest: Ingest | undefined
  let blockedBy = 'the work begins'
  const work = async (signal: AbortSignal): Promise<void> => {
    await schemaCurrent(db, signal, (reason) => {
      if (reason !== blockedBy) log.warn({ advice: reason }, 'schema does not fit')
      blockedBy = reason
    })
    if (signal.aborted) return
    await using parts = new AsyncDisposableStack()
    parts.use(metricsOfTerm(metrics))
    parts.use(startRetention({ ...shared, retentionDays }))
    const started = parts.use(startIngest(shared))
    parts.use(answerLedger(shared))
    const clocks = parts.use(startClocks({ ...shared, intervalMs: clockProbeIntervalMs }))
    parts.use(startExperiments({ ...shared, clocks, ackWaitMs }))
    parts.use(answerFigures(shared))
    parts.use(answerComparisons(shared))
    parts.use(answerBundles(shared))
    parts.use(answerQueries({ bus, db, databaseUrl, readerUrl: config.databaseReaderUrl }))
    parts.use(startPropagation(shared))
    ingest = started
    await aborted(signal)
    ingest = undefined
    blockedBy = 'the work ends'
  }
  const leadership = stack.use(lead({ url: databaseUrl, log, work }))
  health.depend('postgres', () => {
    switch (leadership.state) {
      case 'no-database':
        return { ok: false, detail: leadership.problem }
      case 'standing-by':
        return { ok: true, detail: 'another process leads, this one stands by' }
      case 'leading':
        return ingest ? { ok: true, detail: 'leading' } : { ok: false, detail: blockedBy }
      default:
        leadership.state satisfies never
        throw new Error('unreachable: a state of leadership that nobody knows')
    }
  })
  health.depend('state file', () => state.health())
  health.depend('streams', () => {
    const unread = ingest?.unread ?? []
    return unread.length === 0
      ? { ok: true }
      : { ok: false, detail: `not read: ${unread.join(', ')}` }
  })
  return stack
}
