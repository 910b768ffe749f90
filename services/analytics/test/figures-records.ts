import {
  createParser,
  ExperimentFigures,
  type Share,
  type TransportFigures,
  toTimestamp,
} from '@corroport/contracts'
import { sql } from 'kysely'
import type { Db } from '../src/store/database.ts'

/** The true time at which the experiments of these tests began, in µs. */
export const began = Date.parse('2026-01-15T10:00:00Z') * 1000

/** By how many µs the clocks of the nodes are ahead of the one of analytics. */
export const clockErrors: Record<string, number> = { node1: 5_000_000, node2: -5_000_000, node3: 0 }

export const atNode = (nodeId: string, us: number): string =>
  toTimestamp(began + us + (clockErrors[nodeId] ?? 0))

/** A sample every 10 s, exact, of every node. */
export async function storeClocks(db: Db): Promise<void> {
  const samples = Object.entries(clockErrors).flatMap(([node_id, offset_us]) =>
    Array.from({ length: 12 }, (_, index) => ({
      node_id,
      offset_us,
      bound_us: 150,
      round_trip_us: 300,
      probes: 8,
      drift_ppm: 0,
      at: toTimestamp(began + (index - 3) * 10_000_000 + 3_217_000),
    })),
  )
  await db.insertInto('clock_sample').values(samples).execute()
}

export async function storeExperiment(
  db: Db,
  id: string,
  about: {
    status?: string
    transports?: string[]
    count?: number
    warmup?: number
    shares?: Share[]
    regions?: Record<string, string>
  } = {},
): Promise<void> {
  const { status = 'finished', transports = ['gossip'], count = 0, warmup = 0, shares = [] } = about
  const regions = about.regions ?? { node2: 'ams' }
  const plan = {
    name: id,
    note: '',
    transports,
    origins: ['node1'],
    count,
    interval_ms: 10,
    payload_bytes: 100,
    warmup,
    seed: 1,
    repeat_of: null,
  }
  const environment = {
    versions: {},
    nodes: Object.entries(regions).map(([node_id, region]) => ({ node_id, region })),
    host: { platform: 'linux', cores: 2 },
  }
  await db
    .insertInto('experiment')
    .values({
      id,
      plan: JSON.stringify(plan),
      status,
      expected: JSON.stringify(Object.keys(clockErrors)),
      environment: JSON.stringify(environment),
      shares: JSON.stringify(shares),
      by: 'test',
      created_at: toTimestamp(began),
      started_at: toTimestamp(began),
      deadline_at: toTimestamp(began + 20_000_000),
      finished_at: toTimestamp(began + 21_000_000),
    })
    .execute()
}

export interface TestMessage {
  origin?: string
  transport?: string
  number: number
  isWarmup?: boolean
  /** Undefined: nobody knows. */
  state?: 'accepted' | 'failed'
  /** µs after the begin, truly. */
  at?: number
  delayUs?: number
  expected?: string[]
  acks?: { from: string; roundTrip: number; oneWay?: number; attempts?: number; clock?: string }[]
}

/** Of node1 where nothing else is said; acknowledgements arrive a round trip after the sending. */
export async function storeMessages(
  db: Db,
  experimentId: string,
  messages: readonly TestMessage[],
): Promise<void> {
  for (const message of messages) {
    const {
      transport = 'gossip',
      number,
      isWarmup = false,
      state,
      delayUs = 50,
      acks = [],
    } = message
    const at = message.at ?? number * 10_000
    const expected = message.expected ?? ['node2', 'node3']
    const { origin = 'node1' } = message
    const common = { message_id: `${experimentId}_${number}`, transport, origin }
    await db
      .insertInto('sent')
      .values({
        ...common,
        region: 'iad',
        size_bytes: 100,
        expected: JSON.stringify(expected.map((nodeId) => ({ nodeId, wasPresent: true }))),
        expected_count: expected.length,
        experiment_id: experimentId,
        number,
        is_warmup: isWarmup,
        intended_at: atNode(origin, at - delayUs),
        delay_us: delayUs,
        sent_at: atNode(origin, at),
      })
      .execute()
    if (state) {
      await db
        .insertInto('outcome')
        .values({ ...common, state, took_us: 900, at: atNode(origin, at + 900) })
        .execute()
    }
    for (const { from, roundTrip, oneWay, attempts = 1, clock = 'monotonic' } of acks) {
      const received = oneWay === undefined ? null : atNode(from, at + oneWay)
      await db
        .insertInto('ack')
        .values({
          ...common,
          node_id: from,
          via: 'updates',
          attempts,
          received_at: received,
          sent_at: received,
          arrived_at: atNode(origin, at + roundTrip),
          round_trip_us: roundTrip,
          clock,
        })
        .execute()
    }
  }
}

/** `n` messages or, from 10,000 on, messages to 100 receivers, with the samples of percentiles.py. */
export async function storeSamples(db: Db, id: string, n: number, seed: number): Promise<void> {
  const receivers = n < 10_000 ? 1 : 100
  await storeExperiment(db, id)
  await sql`
    INSERT INTO sent
    SELECT ${id} || '_' || m, 'gossip', 'node1', 'iad', 100, expected, ${receivers}, ${id}, m, false,
      NULL, NULL, ${toTimestamp(began)}::timestamptz + m * interval '1 ms'
    FROM generate_series(0, ${n / receivers - 1}) m, (
      SELECT jsonb_agg(jsonb_build_object('nodeId', 'r' || r, 'wasPresent', true)) AS expected
      FROM generate_series(1, ${receivers}) r
    ) e`.execute(db)
  await sql`
    INSERT INTO outcome SELECT message_id, transport, origin, 'accepted', 900, NULL, NULL, false, NULL, sent_at
    FROM sent WHERE experiment_id = ${id}`.execute(db)
  await sql`
    INSERT INTO ack
    SELECT message_id, 'gossip', 'r' || r, 'node1', 'updates', 1, NULL, NULL, sent_at,
      500 + ((number * ${receivers}::bigint + r - 1) * 48271 + ${seed}::bigint * 69621) % 2147483647 % 1000003,
      'monotonic'
    FROM sent, generate_series(1, ${receivers}) r WHERE experiment_id = ${id}`.execute(db)
}

const parseFigures = createParser('figures', ExperimentFigures)

export async function transportOf(
  figures: Promise<ExperimentFigures | undefined>,
  index = 0,
): Promise<TransportFigures> {
  const found = parseFigures(await figures).transports[index]
  if (!found) throw new Error('no figures of this transport')
  return found
}
