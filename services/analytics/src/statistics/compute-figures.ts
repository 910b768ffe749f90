import {
  createParser,
  ExperimentFigures,
  ExperimentPlan,
  nowMicroseconds,
  type ReceiverFigures,
  Share,
  type Transport,
  type TransportFigures,
  toTimestamp,
} from '@corroport/contracts'
import { sql, type Transaction } from 'kysely'
import { Type } from 'typebox'
import type { Db } from '../store/database.ts'
import type { Database } from '../store/tables.ts'
import { countRecords, forgetRecords, readClocks } from './count-records.ts'
import { type Measured, toDistribution, toInterval, toOneWay } from './distribution.ts'
import {
  figuresOf,
  measureAll,
  measureBy,
  measureCoverage,
  measureHistogram,
  measureMessages,
  readPairs,
  storeBlocks,
  storePairs,
} from './measure.ts'
import { measureSeries } from './measure-series.ts'
import { findClocksApart, findWarnings } from './warnings.ts'

type Tx = Transaction<Database>

// A sort of a million acknowledgements then stays in memory. Each sort has so much at most.
const workMem = '192MB'

/** From what is stored now. Undefined: there is no such experiment. */
export function computeFigures(
  db: Db,
  experimentId: string,
): Promise<ExperimentFigures | undefined> {
  return db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute((transaction) => compute(transaction, experimentId, false))
}

/**
 * Computes the figures of an ended experiment, its pairs and its blocks, and stores them. Whoever
 * stores an acknowledgement that it may not have seen sets `is_stale` after this.
 */
export function storeFigures(db: Db, experimentId: string): Promise<ExperimentFigures> {
  // Not repeatable read: what is read must be newer than the lock, and each raw row is read once.
  return db.transaction().execute(async (transaction) => {
    await sql`SELECT id FROM experiment WHERE id = ${experimentId} FOR NO KEY UPDATE`.execute(
      transaction,
    )
    const kept = await findIrreplaceable(transaction, experimentId)
    if (kept) {
      await transaction
        .updateTable('experiment')
        .set({ is_stale: false })
        .where('id', '=', experimentId)
        .execute()
      return kept
    }
    await sql`DELETE FROM experiment_block WHERE experiment_id = ${experimentId}`.execute(
      transaction,
    )
    await sql`DELETE FROM experiment_pair WHERE experiment_id = ${experimentId}`.execute(
      transaction,
    )
    const figures = await compute(transaction, experimentId, true)
    if (!figures) throw new Error(`there is no experiment ${experimentId}`)
    await sql`
      UPDATE experiment SET figures = ${JSON.stringify(figures)}::jsonb, is_stale = false
      WHERE id = ${experimentId}`.execute(transaction)
    return figures
  })
}

const parseFigures = createParser('stored figures', ExperimentFigures)

/** Stored figures of more messages than are stored now: their raw records are gone by retention. */
async function findIrreplaceable(
  transaction: Tx,
  experimentId: string,
): Promise<ExperimentFigures | undefined> {
  const row = await transaction
    .selectFrom('experiment')
    .select('figures')
    .where('id', '=', experimentId)
    .executeTakeFirst()
  if (!row?.figures) return undefined
  const figures = parseFigures(row.figures)
  const counted = figures.transports.reduce(
    (sum, { counts }) => sum + counts.sent + counts.warmup,
    0,
  )
  return (await countStored(transaction, experimentId)) < counted ? figures : undefined
}

async function countStored(transaction: Tx, experimentId: string): Promise<number> {
  const { stored } = await transaction
    .selectFrom('sent')
    .select(({ fn }) => fn.countAll<string>().as('stored'))
    .where('experiment_id', '=', experimentId)
    .executeTakeFirstOrThrow()
  return Number(stored)
}

const parsePlan = createParser('the plan of an experiment', ExperimentPlan)
const parseShares = createParser('the shares of an experiment', Type.Array(Share))

async function compute(
  transaction: Tx,
  experimentId: string,
  isFinal: boolean,
): Promise<ExperimentFigures | undefined> {
  await sql`SELECT set_config('work_mem', ${workMem}, true), set_config('jit', 'off', true)`.execute(
    transaction,
  )
  const experiment = await transaction
    .selectFrom('experiment')
    .select(['plan', 'shares'])
    .where('id', '=', experimentId)
    .executeTakeFirst()
  if (!experiment) return undefined
  const computed_at = toTimestamp(nowMicroseconds())
  const plan = parsePlan(experiment.plan)
  const shares = parseShares(experiment.shares)
  await readClocks(transaction, experimentId)
  const told = shares.reduce((sum, { sent }) => sum + sent, 0)
  const unstored = Math.max(0, told - (await countStored(transaction, experimentId)))
  const transports: TransportFigures[] = []
  for (const transport of plan.transports) {
    await countRecords(transaction, experimentId, transport)
    const subject = { experimentId, plan, transport, isFinal, unstored }
    transports.push(await computeTransport(transaction, subject))
    await forgetRecords(transaction)
  }
  return {
    experiment_id: experimentId,
    computed_at,
    is_final: isFinal,
    transports,
    flush: await readFlush(transaction, experimentId),
  }
}

// The figures of two transports then stay below the megabyte that NATS carries.
const mostReceivers = 600

interface Subject {
  experimentId: string
  plan: ExperimentPlan
  transport: Transport
  /** The blocks and the pairs are stored. */
  isFinal: boolean
  unstored: number
}

async function computeTransport(transaction: Tx, subject: Subject): Promise<TransportFigures> {
  const { experimentId, plan, transport, isFinal, unstored } = subject
  const messages = await measureMessages(transaction)
  const { sent, accepted, failed, unsettled, expected_acks } = messages
  const spreading = await measureCoverage(transaction, messages.most_receivers)
  const all = await measureAll(transaction, spreading.first_ack.n)
  const warmup = await countWarmup(transaction, experimentId, transport)
  const skipped = await countSkipped(transaction, experimentId, plan, transport)
  const { pairs, receivers, regions } = await measureReceivers(transaction, subject, all)
  if (isFinal) {
    await storePairs(transaction, experimentId, pairs)
    await storeBlocks(transaction, experimentId, transport)
  }
  return {
    transport,
    counts: {
      planned: plan.count === 0 ? warmup + sent + skipped : plan.count,
      warmup,
      sent,
      accepted,
      failed,
      skipped,
      unsettled,
      expected_acks,
      acks: all.acks,
      late: all.late,
      lost: expected_acks - all.acks,
    },
    delivery_rate: expected_acks === 0 ? null : all.acks / expected_acks,
    round_trip: toDistribution(all.round_trip),
    median_interval: all.median_interval && toInterval(all.median_interval),
    round_trip_from_intended: toDistribution(all.from_intended),
    ...spreading,
    one_way: toOneWay(all),
    write: toDistribution(messages.write),
    sender_delay: toDistribution(messages.sender_delay),
    histogram: await measureHistogram(transaction, all.round_trip),
    series: await measureSeries(transaction),
    receivers: receivers.slice(0, mostReceivers),
    regions,
    warnings: findWarnings({
      hidden: Math.max(0, receivers.length - mostReceivers),
      all,
      senderDelay: messages.sender_delay,
      skipped,
      unsettled,
      unstored,
      clocks: await findClocksApart(transaction),
    }),
  }
}

/** A level that has as many groups as the finer one has the same groups: it is not measured again. */
async function measureReceivers(
  transaction: Tx,
  { transport, isFinal }: Subject,
  all: Measured,
): Promise<Record<'pairs' | 'receivers' | 'regions', ReceiverFigures[]>> {
  const pairs = await readPairs(transaction)
  const numbers = (level: 'receiver' | 'place') => new Set(pairs.map((pair) => pair[level])).size
  const renumber = (
    from: Map<number, Measured>,
    level: 'pair' | 'receiver',
    to: typeof level | 'place',
  ) =>
    new Map(
      pairs.flatMap((pair) => {
        const row = from.get(pair[level])
        return row ? [[pair[to], row]] : []
      }),
    )
  const byPair = isFinal ? await measureBy(transaction, 'pair') : undefined
  const byReceiver =
    byPair && numbers('receiver') === pairs.length
      ? renumber(byPair, 'pair', 'receiver')
      : await measureBy(transaction, 'receiver')
  const places = numbers('place')
  let byPlace: Map<number, Measured>
  if (places === 1) byPlace = new Map([[1, all]])
  else if (places === numbers('receiver')) byPlace = renumber(byReceiver, 'receiver', 'place')
  else byPlace = await measureBy(transaction, 'place')
  return {
    pairs: byPair ? figuresOf(transport, pairs, 'pair', byPair) : [],
    receivers: figuresOf(transport, pairs, 'receiver', byReceiver),
    regions: figuresOf(transport, pairs, 'place', byPlace),
  }
}

async function countWarmup(
  transaction: Tx,
  experimentId: string,
  transport: Transport,
): Promise<number> {
  const { warmup } = await transaction
    .selectFrom('sent')
    .select(({ fn }) => fn.countAll<string>().as('warmup'))
    .where('experiment_id', '=', experimentId)
    .where('transport', '=', transport)
    .where('is_warmup', '=', true)
    .executeTakeFirstOrThrow()
  return Number(warmup)
}

async function countSkipped(
  transaction: Tx,
  experimentId: string,
  plan: ExperimentPlan,
  transport: Transport,
): Promise<number> {
  const { rows } = await sql<{ skipped: number }>`
    SELECT count(DISTINCT number)::integer AS skipped
    FROM skipped, jsonb_array_elements_text(numbers) AS number
    WHERE experiment_id = ${experimentId} AND transport = ${transport}
      AND number::integer >= ${plan.warmup * plan.transports.length}::integer
  `.execute(transaction)
  return rows[0]?.skipped ?? 0
}

const messageTable = 'node_messages'

/** An audit tells the median of what was seen since the one before. */
async function readFlush(
  transaction: Tx,
  experimentId: string,
): Promise<ExperimentFigures['flush']> {
  const { rows } = await sql<{ sights: number; mean: number | null }>`
    SELECT coalesce(sum(count), 0)::integer AS sights, sum(count * p50) / sum(count) AS mean
    FROM experiment x, event, LATERAL (
      SELECT (payload -> 'flushLagMs' ->> 'count')::float8 AS count,
        (payload -> 'flushLagMs' ->> 'p50')::float8 AS p50
    ) lag
    WHERE x.id = ${experimentId} AND kind = 'subscription.audited' AND count > 0
      AND payload ->> 'table' = ${messageTable} AND expected ? (payload ->> 'nodeId')
      AND event.at BETWEEN coalesce(started_at, created_at) AND coalesce(finished_at, now())
  `.execute(transaction)
  const { sights = 0, mean = null } = rows[0] ?? {}
  return { sights, mean_ms: mean === null ? null : Math.round(mean * 1000) / 1000 }
}
