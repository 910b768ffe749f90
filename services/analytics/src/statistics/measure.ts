import type {
  Distribution,
  ReceiverFigures,
  Transport,
  TransportFigures,
} from '@corroport/contracts'
import { sql, type Transaction } from 'kysely'
import type { Database } from '../store/tables.ts'
import { type Edges, linearEdges, logarithmicEdges } from './buckets.ts'
import {
  type Measured,
  measured,
  nothingMeasured,
  type Spread,
  spreadOf,
  toDistribution,
  toMilliseconds,
  toOneWay,
} from './distribution.ts'

type Tx = Transaction<Database>

// All of these read what `countRecords` made.

interface MessageRow {
  sent: number
  accepted: number
  failed: number
  unsettled: number
  expected_acks: number
  most_receivers: number
  write: Spread
  sender_delay: Spread
}

export async function measureMessages(transaction: Tx): Promise<MessageRow> {
  const { rows } = await sql<MessageRow>`
    SELECT count(*)::integer AS sent,
      count(*) FILTER (WHERE state = 'accepted')::integer AS accepted,
      count(*) FILTER (WHERE state = 'failed')::integer AS failed,
      count(*) FILTER (WHERE state = 'sent')::integer AS unsettled,
      coalesce(sum(receivers) FILTER (WHERE state = 'accepted'), 0)::float8 AS expected_acks,
      coalesce(max(receivers), 0) AS most_receivers,
      ${spreadOf('took_us')} AS write,
      ${spreadOf('delay_us')} AS sender_delay
    FROM counted_message JOIN counted_roster USING (roster)`.execute(transaction)
  return one(rows)
}

export interface MeasuredAll extends Measured {
  from_intended: Spread
  /** µs: of the two ranks that hold the median with 95 %; null where messages are too few. */
  median_interval: [from: number, to: number] | null
}

/** `acknowledged`: messages with at least one acknowledgement. */
export async function measureAll(transaction: Tx, acknowledged: number): Promise<MeasuredAll> {
  const { rows } = await sql<MeasuredAll>`
    SELECT ${measured}, ${spreadOf('a.from_intended')} AS from_intended,
      to_json(percentile_disc(${medianRanks(acknowledged)}::float8[])
        WITHIN GROUP (ORDER BY a.round_trip)) AS median_interval
    FROM counted_ack a`.execute(transaction)
  return one(rows)
}

const fewestMessages = 6
const z = 1.959964 // of a normal distribution, 95 % two-sided

/**
 * After the ranks of order statistics. Acknowledgements of one message depend on each other, so it is
 * messages that are counted. Below six no pair of ranks holds the median with 95 %.
 */
function medianRanks(messages: number): [number, number] | null {
  if (messages < fewestMessages) return null
  const spread = z / (2 * Math.sqrt(messages))
  return [0.5 - spread, 0.5 + spread]
}

/** A pair of origin and receiver. `receiver` and `place` number the receivers and their regions. */
export interface Pair {
  pair: number
  origin: string
  node_id: string
  region: string | null
  expected: number
  receiver: number
  place: number
}

export async function readPairs(transaction: Tx): Promise<Pair[]> {
  const { rows } = await sql<Pair>`SELECT * FROM counted_pair ORDER BY pair`.execute(transaction)
  return rows
}

type Level = 'pair' | 'receiver' | 'place'

/** By the number of the pair, receiver or region. What got nothing is not in it. */
export async function measureBy(transaction: Tx, level: Level): Promise<Map<number, Measured>> {
  const key = sql.ref(level)
  const from =
    level === 'pair' ? sql`counted_ack a` : sql`counted_ack a JOIN counted_pair p USING (pair)`
  const { rows } = await sql<Measured & { key: number }>`
    SELECT ${key} AS key, ${measured} FROM ${from} GROUP BY ${key}`.execute(transaction)
  return new Map(rows.map(({ key: number, ...row }) => [number, row]))
}

/** Figures of each group of pairs that have the same number at this level. */
export function figuresOf(
  transport: Transport,
  pairs: readonly Pair[],
  level: Level,
  byNumber: ReadonlyMap<number, Measured>,
): ReceiverFigures[] {
  return [...Map.groupBy(pairs, (pair) => pair[level])].flatMap(([number, [first, ...rest]]) => {
    if (!first) return []
    const row = byNumber.get(number) ?? nothingMeasured
    const expected = rest.reduce((sum, pair) => sum + pair.expected, first.expected)
    return {
      transport,
      origin_node_id: level === 'pair' ? first.origin : null,
      node_id: level === 'place' ? null : first.node_id,
      region: first.region,
      expected,
      acks: row.acks,
      late: row.late,
      lost: expected - row.acks,
      retried: row.retried,
      round_trip: toDistribution(row.round_trip),
      one_way: toOneWay(row),
    }
  })
}

type Spreading = Pick<TransportFigures, 'first_ack' | 'all_acks' | 'coverage'>

/** With so few receivers each of them is a step of the coverage. */
const mostSteps = 10

/** From the acknowledgements of each message, in their order, when so many were there. */
export async function measureCoverage(transaction: Tx, receivers: number): Promise<Spreading> {
  const steps =
    receivers <= mostSteps
      ? Array.from({ length: receivers }, (_, index) => ({
          share: (index + 1) / receivers,
          nodes: index + 1,
          rank: sql`${index + 1}::integer`,
        }))
      : [50, 90, 100].map((percent) => ({
          share: percent / 100,
          nodes: Math.ceil((receivers * percent) / 100),
          rank: sql`(receivers * ${percent}::integer + 99) / 100`,
        }))
  const columns = steps.map(({ rank }, index) => sql`times[${rank}] AS ${sql.ref(`step${index}`)}`)
  const spreads = steps.map((_, index) => spreadOf(`step${index}`))
  const { rows } = await sql<{ first: Spread; all: Spread; steps: Spread[] }>`
    SELECT ${spreadOf('first_ack')} AS first, ${spreadOf('all_acks')} AS all,
      json_build_array(${sql.join(spreads)}) AS steps
    FROM (
      SELECT ${sql.join([...columns, sql`times[1] AS first_ack`, sql`times[receivers] AS all_acks`])}
      FROM (
        SELECT message, array_agg(round_trip ORDER BY round_trip) AS times
        FROM counted_ack GROUP BY message
      ) a
      JOIN counted_message USING (message)
      JOIN counted_roster USING (roster)
    ) reached`.execute(transaction)
  const row = one(rows)
  const distribution = (index: number): Distribution => {
    const spread = row.steps[index]
    if (!spread) throw new Error('unreachable: a step without its spread')
    return toDistribution(spread)
  }
  return {
    first_ack: toDistribution(row.first),
    all_acks: toDistribution(row.all),
    coverage: steps.map(({ share, nodes }, index) => ({
      share,
      nodes,
      reached: distribution(index),
    })),
  }
}

/** Every round trip is in a bucket of each: `width_bucket` counts from the first edge, which is in. */
export async function measureHistogram(
  transaction: Tx,
  [, , ranks]: Spread,
): Promise<TransportFigures['histogram']> {
  if (!ranks) return { linear: [], logarithmic: [] }
  const [smallest, , , , largest] = ranks
  const linear = linearEdges(smallest, largest)
  const logarithmic = logarithmicEdges(smallest, largest)
  const { rows } = await sql<{ linear: number; logarithmic: number; count: number }>`
    SELECT width_bucket(round_trip::float8, ${linear}::float8[]) AS linear,
      width_bucket(round_trip::float8, ${logarithmic}::float8[]) AS logarithmic,
      count(*)::integer AS count
    FROM counted_ack GROUP BY 1, 2`.execute(transaction)
  const buckets = (edges: Edges, kind: 'linear' | 'logarithmic') =>
    edges.slice(1).map((to, index) => ({
      from_ms: toMilliseconds(edges[index] ?? 0),
      to_ms: toMilliseconds(to),
      count: rows.filter((row) => row[kind] === index + 1).reduce((sum, row) => sum + row.count, 0),
    }))
  return { linear: buckets(linear, 'linear'), logarithmic: buckets(logarithmic, 'logarithmic') }
}

/** Width of the buckets of blocks: an upper bound is 1 % above the one before. */
const blockWidth = 1.01

/** Stores the round trips of blocks of consecutive messages. */
export async function storeBlocks(
  transaction: Tx,
  experimentId: string,
  transport: string,
): Promise<void> {
  await sql`
    INSERT INTO experiment_block
      (experiment_id, transport, block, messages, expected, acks, buckets)
    SELECT ${experimentId}, ${transport}, block, messages, expected,
      coalesce(acks, 0), coalesce(buckets, '{}')
    FROM (
      SELECT block, count(*) AS messages, sum(receivers) AS expected
      FROM counted_message JOIN counted_roster USING (roster)
      WHERE block IS NOT NULL GROUP BY block
    ) m
    LEFT JOIN (
      SELECT block, sum(acks) AS acks, jsonb_object_agg(upper, acks) AS buckets
      FROM (
        SELECT block, ceil(power(${blockWidth}::float8, step))::bigint AS upper, sum(acks) AS acks
        FROM (
          SELECT block, ceil(ln(greatest(round_trip, 1)::float8) / ln(${blockWidth}::float8))::integer AS step,
            count(*) AS acks
          FROM counted_ack GROUP BY 1, 2
        ) step
        GROUP BY 1, 2
      ) upper
      GROUP BY block
    ) a USING (block)`.execute(transaction)
}

const pairsAtOnce = 5000

export async function storePairs(
  transaction: Tx,
  experimentId: string,
  pairs: readonly ReceiverFigures[],
): Promise<void> {
  for (let from = 0; from < pairs.length; from += pairsAtOnce) {
    const part = JSON.stringify(pairs.slice(from, from + pairsAtOnce))
    await sql`
      INSERT INTO experiment_pair (experiment_id, transport, origin, node_id, figures)
      SELECT ${experimentId}, pair ->> 'transport', pair ->> 'origin_node_id', pair ->> 'node_id', pair
      FROM jsonb_array_elements(${part}::jsonb) AS pair`.execute(transaction)
  }
}

function one<T>(rows: readonly T[]): T {
  const [row] = rows
  if (row === undefined) throw new Error('unreachable: an aggregate without a row')
  return row
}
