import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bus, connectBus } from '@corroport/bus'
import {
  createParser,
  ExperimentFigures,
  figuresQueried,
  messagesQueried,
  pairsQueried,
  ReceiverFigures,
  type TransportFigures,
} from '@corroport/contracts'
import {
  type NatsServer,
  type Postgres,
  seededRandom,
  startNatsServer,
  startPostgres,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import pino from 'pino'
import { Type } from 'typebox'
import { answerFigures } from '../src/statistics/answer-figures.ts'
import { computeFigures, storeFigures } from '../src/statistics/compute-figures.ts'
import { type OpenedDatabase, openDatabase } from '../src/store/database.ts'
import { migrate } from '../src/store/migrate.ts'
import { storeClocks, storeExperiment, storeMessages, storeSamples } from './figures-records.ts'

const log = pino({ level: 'silent' })
let postgres: Postgres
let opened: OpenedDatabase

beforeAll(async () => {
  postgres = await startPostgres()
  opened = openDatabase({ url: postgres.url, log, name: 'test' })
  await migrate(opened.db)
  await storeClocks(opened.db)
}, 60_000)

afterAll(async () => {
  await opened?.[Symbol.asyncDispose]()
  await postgres?.[Symbol.asyncDispose]()
})

const parseFigures = createParser('figures', ExperimentFigures)
const parsePair = createParser('figures of a pair', ReceiverFigures)
const parseCases = createParser(
  'percentiles.json',
  Type.Array(
    Type.Object({
      seed: Type.Integer(),
      n: Type.Integer(),
      min: Type.Integer(),
      sum: Type.Integer(),
      max: Type.Integer(),
      p50: Type.Integer(),
      p95: Type.Union([Type.Integer(), Type.Null()]),
      p99: Type.Union([Type.Integer(), Type.Null()]),
    }),
  ),
)
const cases = parseCases(
  JSON.parse(readFileSync(join(import.meta.dirname, 'percentiles.json'), 'utf8')),
)

async function transportOf(figures: Promise<ExperimentFigures | undefined>, index = 0) {
  const found = parseFigures(await figures).transports[index]
  if (!found) throw new Error('no figures of this transport')
  return found
}

const total = (buckets: TransportFigures['histogram']['linear']): number =>
  buckets.reduce((sum, { count }) => sum + count, 0)

describe('figures equal those of percentiles.py', () => {
  test.each(cases)(
    'of $n samples',
    async ({ seed, n, min, sum, max, p50, p95, p99 }) => {
      const { db } = opened
      const id = `samples-${n}`
      await storeSamples(db, id, n, seed)

      const figures = await transportOf(storeFigures(db, id))

      const inMs = (us: number | null) => (us === null ? null : us / 1000)
      expect(figures.round_trip).toEqual({
        n,
        min_ms: inMs(min),
        mean_ms: Math.round(sum / n) / 1000,
        p50_ms: inMs(p50),
        p95_ms: inMs(p95),
        p99_ms: inMs(p99),
        max_ms: inMs(max),
      })
      expect(total(figures.histogram.linear)).toBe(n)
      expect(total(figures.histogram.logarithmic)).toBe(n)
      expect(figures.histogram.linear.length).toBeLessThanOrEqual(60)
      const blocks = await db
        .selectFrom('experiment_block')
        .selectAll()
        .where('experiment_id', '=', id)
        .execute()
      expect(blocks).toHaveLength(Math.min(figures.counts.accepted, 200))
      expect(blocks.reduce((acks, block) => acks + block.acks, 0)).toBe(n)
      const inBuckets = blocks.flatMap(({ buckets }) => Object.values(buckets))
      expect(inBuckets.reduce((acks, count) => acks + count, 0)).toBe(n)
    },
    180_000,
  )
})

describe('an experiment with everything that can happen', () => {
  const id = 'everything'

  beforeAll(async () => {
    const { db } = opened
    await storeExperiment(db, id, {
      transports: ['gossip', 'direct'],
      count: 6,
      warmup: 1,
      shares: [
        {
          node_id: 'node1',
          state: 'ended',
          planned: 12,
          sent: 10,
          failed: 1,
          skipped: 3,
          reason: null,
        },
      ],
    })
    const both = (roundTrip: number) => [
      { from: 'node2', roundTrip, oneWay: 400 },
      { from: 'node3', roundTrip: 2 * roundTrip, oneWay: 600 },
    ]
    await storeMessages(db, id, [
      { number: 0, isWarmup: true, state: 'accepted', acks: both(1) },
      { number: 1, transport: 'direct', isWarmup: true, state: 'accepted', acks: both(1) },
      { number: 2, transport: 'direct', acks: both(700) },
      {
        number: 3,
        state: 'accepted',
        // The origin may be among the expected: it does not acknowledge its own messages.
        expected: ['node1', 'node2', 'node3'],
        acks: [
          { from: 'node2', roundTrip: 3000, oneWay: 1200 },
          { from: 'node3', roundTrip: 25_000_000, oneWay: -300 },
        ],
      },
      {
        number: 4,
        state: 'accepted',
        delayUs: 1000,
        acks: [
          { from: 'node2', roundTrip: 2000, attempts: 2, clock: 'wall' },
          { from: 'node4', roundTrip: 1, oneWay: 1 },
        ],
      },
      { number: 5, transport: 'direct', state: 'accepted', acks: both(800) },
      { number: 7, transport: 'direct', state: 'accepted', acks: both(900) },
      { number: 10, state: 'failed' },
      { number: 11, transport: 'direct', state: 'accepted', acks: both(1000) },
    ])
    await db
      .insertInto('skipped')
      .values(
        [
          { transport: 'gossip', first: 6, numbers: '[6, 8]' },
          { transport: 'direct', first: 9, numbers: '[9]' },
        ].map((part) => ({
          ...part,
          experiment_id: id,
          origin: 'node1',
          reason: 'stalled',
          at: '2026-01-15T10:00:01Z',
        })),
      )
      .execute()
  })

  test('counts what was sent, lost and late, without the warm-up and what nobody expected', async () => {
    const gossip = await transportOf(computeFigures(opened.db, id), 0)
    const direct = await transportOf(computeFigures(opened.db, id), 1)

    expect(gossip.counts).toEqual({
      planned: 6,
      warmup: 1,
      sent: 3,
      accepted: 2,
      failed: 1,
      skipped: 2,
      unsettled: 0,
      expected_acks: 4,
      acks: 3,
      late: 1,
      lost: 1,
    })
    expect(gossip.delivery_rate).toBe(0.75)
    expect(direct.counts).toEqual({
      planned: 6,
      warmup: 1,
      sent: 4,
      accepted: 3,
      failed: 0,
      skipped: 1,
      unsettled: 1,
      expected_acks: 6,
      acks: 6,
      late: 0,
      lost: 0,
    })
  })

  test('tells round trips, from when they were meant to begin, and when how many had it', async () => {
    const gossip = await transportOf(computeFigures(opened.db, id))

    expect(gossip.round_trip).toMatchObject({ n: 3, min_ms: 2, p50_ms: 3, max_ms: 25_000 })
    expect(gossip.round_trip_from_intended).toMatchObject({ n: 3, min_ms: 3, p50_ms: 3.05 })
    expect(gossip.first_ack).toMatchObject({ n: 2, min_ms: 2, max_ms: 3 })
    expect(gossip.all_acks).toMatchObject({ n: 1, min_ms: 25_000 })
    expect(gossip.coverage).toMatchObject([
      { share: 0.5, nodes: 1, reached: { n: 2 } },
      { share: 1, nodes: 2, reached: { n: 1 } },
    ])
    expect(gossip.write).toMatchObject({ n: 3, p50_ms: 0.9 })
    expect(gossip.sender_delay).toMatchObject({ n: 3, min_ms: 0.05, max_ms: 1 })
  })

  test('corrects one-way times by both clocks; the negative and the unknown are counted', async () => {
    const gossip = await transportOf(computeFigures(opened.db, id))

    expect(gossip.one_way).toMatchObject({
      n: 2,
      min_ms: -0.3,
      max_ms: 1.2,
      negatives: 1,
      unknown: 1,
    })
    // Two clocks, each known to 150 µs at a sample, and what each may wander until the next one.
    expect(gossip.one_way.bound_ms).toBeGreaterThanOrEqual(0.3)
    expect(gossip.one_way.bound_ms).toBeLessThan(0.51)
  })

  test('tells each receiver and region apart', async () => {
    const gossip = await transportOf(computeFigures(opened.db, id))

    expect(gossip.receivers).toMatchObject([
      { node_id: 'node2', region: 'ams', expected: 2, acks: 2, late: 0, lost: 0, retried: 1 },
      { node_id: 'node3', region: null, expected: 2, acks: 1, late: 1, lost: 1, retried: 0 },
    ])
    expect(gossip.regions).toMatchObject([
      { node_id: null, region: 'ams', acks: 2 },
      { node_id: null, region: null, acks: 1 },
    ])
  })

  test('says why its figures may mislead', async () => {
    const gossip = await transportOf(computeFigures(opened.db, id))

    expect(gossip.warnings).toEqual([
      expect.stringContaining('The sender fell behind'),
      expect.stringContaining('1 of 3 round trips are by the wall clock'),
      expect.stringContaining('The clock of node1 was at least'),
      expect.stringContaining(
        'The median one-way time of -0.3 ms is smaller than its possible error',
      ),
      expect.stringContaining('2 planned messages were not sent'),
      expect.stringContaining('1 messages that were sent are not stored'),
    ])
  })
})

test('of many receivers the time until half, nine tenths and all of them had it is told', async () => {
  const { db } = opened
  const expected = Array.from({ length: 19 }, (_, index) => `r${index + 1}`)
  await storeExperiment(db, 'wide')
  await storeMessages(db, 'wide', [
    {
      number: 0,
      state: 'accepted',
      expected,
      acks: expected.map((from, index) => ({ from, roundTrip: (19 - index) * 1000 })),
    },
  ])

  const { coverage } = await transportOf(computeFigures(db, 'wide'))

  expect(coverage).toMatchObject([
    { share: 0.5, nodes: 10, reached: { n: 1, p50_ms: 10 } },
    { share: 0.9, nodes: 18, reached: { n: 1, p50_ms: 18 } },
    { share: 1, nodes: 19, reached: { n: 1, p50_ms: 19 } },
  ])
})

test('pairs, receivers and regions each have the percentiles of their own samples', async () => {
  const { db } = opened
  const seed = 20_261_121
  const random = seededRandom(seed)
  const regions: Record<string, string> = { node1: 'iad', node2: 'ams', node3: 'iad', node4: 'iad' }
  const nodes = Object.keys(regions)
  const samples: { origin: string; from: string; roundTrip: number }[] = []
  await storeExperiment(db, 'levels', { regions })
  const messages = Array.from({ length: 60 }, (_, number) => {
    const origin = number % 3 === 0 ? 'node1' : 'node2'
    const expected = nodes.filter((node) => node !== origin)
    const acks = expected
      .filter(() => random() > 0.1)
      .map((from) => ({ from, roundTrip: Math.floor(random() * 1_000_000) }))
    samples.push(...acks.map((ack) => ({ origin, ...ack })))
    return { number, origin, expected, acks, state: 'accepted' as const }
  })
  await storeMessages(db, 'levels', messages)

  const figures = await transportOf(storeFigures(db, 'levels'))
  const pairs = await db
    .selectFrom('experiment_pair')
    .select('figures')
    .where('experiment_id', '=', 'levels')
    .execute()

  const byPair = pairs.map((pair) => parsePair(pair.figures))
  expect(byPair).toHaveLength(6)
  for (const row of [...byPair, ...figures.receivers, ...figures.regions]) {
    const times = samples
      .filter(({ origin }) => row.origin_node_id === null || row.origin_node_id === origin)
      .filter(({ from }) => row.node_id === null || row.node_id === from)
      .filter(({ from }) => row.region === regions[from])
      .map(({ roundTrip }) => roundTrip)
      .toSorted((a, b) => a - b)
    const p50 = times[Math.ceil(times.length / 2) - 1] ?? 0
    expect({ seed, ...row }).toMatchObject({
      acks: times.length,
      lost: row.expected - times.length,
      round_trip: { n: times.length, p50_ms: p50 / 1000, max_ms: (times.at(-1) ?? 0) / 1000 },
    })
  }
  expect(figures.receivers).toHaveLength(4)
  expect(figures.regions.map(({ region, expected }) => [region, expected])).toEqual([
    ['ams', 20],
    ['iad', 160],
  ])
})

test('a receiver that joins in the middle is expected of the messages after that', async () => {
  const { db } = opened
  await storeExperiment(db, 'joining')
  const acks = ['node2', 'node3'].map((from) => ({ from, roundTrip: 1000 }))
  await storeMessages(db, 'joining', [
    { number: 0, state: 'accepted', expected: ['node2'], acks },
    { number: 1, state: 'accepted', expected: ['node2', 'node3'], acks },
  ])

  const { counts, receivers, all_acks } = await transportOf(computeFigures(db, 'joining'))

  expect(counts).toMatchObject({ expected_acks: 3, acks: 3, lost: 0 })
  expect(receivers).toMatchObject([
    { node_id: 'node2', expected: 2, acks: 2 },
    { node_id: 'node3', expected: 1, acks: 1 },
  ])
  expect(all_acks.n).toBe(2)
})

test('the flush is told by the audits of the time of the experiment', async () => {
  const { db } = opened
  await storeExperiment(db, 'flushed')
  const audit = (at: string, flushLagMs: unknown, table = 'node_messages') => ({
    id: `audited.${table}.${at}`,
    kind: 'subscription.audited',
    subject: 'corro.subscription.audited.node2',
    at,
    payload: JSON.stringify({ table, flushLagMs }),
  })
  await db
    .insertInto('event')
    .values([
      audit('2026-01-15T10:00:05Z', { count: 10, p50: 400, p95: 500 }),
      audit('2026-01-15T10:00:06Z', { count: 30, p50: 200, p95: 500 }),
      audit('2026-01-15T10:00:07Z', null),
      audit('2026-01-15T10:00:08Z', { count: 5, p50: 9, p95: 9 }, 'node_configs'),
      audit('2026-01-15T11:00:00Z', { count: 5, p50: 9, p95: 9 }),
    ])
    .execute()

  expect((await computeFigures(db, 'flushed'))?.flush).toEqual({ sights: 40, mean_ms: 250 })
})

test('an experiment without a message has figures of nothing', async () => {
  await storeExperiment(opened.db, 'nothing')

  const figures = await transportOf(storeFigures(opened.db, 'nothing'))

  expect(figures.counts).toMatchObject({ planned: 0, sent: 0, expected_acks: 0, lost: 0 })
  expect(figures.delivery_rate).toBeNull()
  expect(figures.round_trip).toMatchObject({ n: 0, p50_ms: null, mean_ms: null })
  expect(figures.histogram).toEqual({ linear: [], logarithmic: [] })
})

test('figures whose raw records are gone by retention are kept, even when they are stale', async () => {
  const { db } = opened
  await storeExperiment(db, 'old')
  await storeMessages(db, 'old', [{ number: 0, state: 'accepted' }])
  const stored = await storeFigures(db, 'old')
  await db.deleteFrom('sent').where('experiment_id', '=', 'old').execute()
  await sql`UPDATE experiment SET is_stale = true WHERE id = 'old'`.execute(db)

  expect(await storeFigures(db, 'old')).toEqual(stored)
})

test('nothing that is stored while figures are computed is missed by both', async () => {
  const { db } = opened
  await storeExperiment(db, 'raced')
  await storeMessages(db, 'raced', [{ number: 0, state: 'accepted' }])
  const stored = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  const storing = db.transaction().execute(async (transaction) => {
    await storeMessages(transaction, 'raced', [
      { number: 1, state: 'accepted', acks: [{ from: 'node2', roundTrip: 5 }] },
    ])
    await sql`UPDATE experiment SET is_stale = true WHERE id = 'raced'`.execute(transaction)
    stored.resolve()
    await goOn.promise
  })
  await stored.promise

  const computing = transportOf(storeFigures(db, 'raced'))
  await until(async () => {
    const { rows } = await sql`
      SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'`.execute(db)
    return rows.length > 0
  })
  goOn.resolve()

  await storing
  expect((await computing).counts).toMatchObject({ sent: 2, acks: 1 })
})

describe('asked over NATS', () => {
  let nats: NatsServer
  let bus: Bus
  let answering: AsyncDisposable

  beforeAll(async () => {
    nats = await startNatsServer()
    bus = connectBus({ url: nats.url, name: 'test', log })
    answering = answerFigures({ db: opened.db, bus })
    await until(() => bus.isConnected)
  })
  afterAll(async () => {
    await answering?.[Symbol.asyncDispose]()
    await bus?.[Symbol.asyncDispose]()
    await nats?.[Symbol.asyncDispose]()
  })

  const askFigures = async (id: string) => (await bus.request(figuresQueried, {}, { id })).figures

  test('figures of a running experiment are of what is there; nothing is stored', async () => {
    const { db } = opened
    await storeExperiment(db, 'running', { status: 'running' })
    await storeMessages(db, 'running', [{ number: 0, state: 'accepted' }])

    const before = await askFigures('running')
    await storeMessages(db, 'running', [{ number: 1, state: 'accepted' }])
    const after = await askFigures('running')

    expect([before, after].map(({ transports }) => transports[0]?.counts.sent)).toEqual([1, 2])
    expect(after.is_final).toBe(false)
    expect((await bus.request(pairsQueried, {}, { id: 'running' })).pairs).toEqual([])
  })

  test('figures of an ended one are computed once, and again when something came late', async () => {
    const { db } = opened
    await storeExperiment(db, 'ended')
    await storeMessages(db, 'ended', [{ number: 0, state: 'accepted' }])
    const first = await askFigures('ended')
    const again = await askFigures('ended')
    await storeMessages(db, 'ended', [
      { number: 1, state: 'accepted', acks: [{ from: 'node2', roundTrip: 5 }] },
    ])
    await sql`UPDATE experiment SET is_stale = true WHERE id = 'ended'`.execute(db)
    const late = await askFigures('ended')

    expect(again).toEqual(first)
    expect(first.is_final).toBe(true)
    expect(late.transports[0]?.counts).toMatchObject({ sent: 2, acks: 1, lost: 3 })
    expect(await askFigures('ended')).toEqual(late)
    const { pairs, next } = await bus.request(pairsQueried, {}, { id: 'ended' })
    expect(pairs).toMatchObject([
      { origin_node_id: 'node1', node_id: 'node2', expected: 2, acks: 1, lost: 1 },
      { origin_node_id: 'node1', node_id: 'node3', expected: 2, acks: 0, lost: 2 },
    ])
    expect(next).toBeNull()
  })

  test('messages come in pages, in the order of sending, with what is missing', async () => {
    const { db } = opened
    await storeExperiment(db, 'paged')
    await storeMessages(db, 'paged', [
      {
        number: 10,
        state: 'accepted',
        acks: [
          { from: 'node3', roundTrip: 4000 },
          { from: 'node2', roundTrip: 2000 },
        ],
      },
      { number: 9, state: 'failed' },
      { number: 2, isWarmup: true, acks: [{ from: 'node2', roundTrip: 2000 }] },
    ])

    const first = await bus.request(messagesQueried, {}, { id: 'paged', limit: 2 })
    const second = await bus.request(
      messagesQueried,
      {},
      { id: 'paged', limit: 2, after: first.next ?? '' },
    )

    expect(first.messages).toMatchObject([
      { number: 2, is_warmup: true, status: 'sent', acks: 1, expected: 2, missing: ['node3'] },
      { number: 9, status: 'failed', acks: 0, median_ms: null, missing: ['node2', 'node3'] },
    ])
    expect(second.messages).toMatchObject([
      { number: 10, status: 'accepted', acks: 2, min_ms: 2, median_ms: 2, max_ms: 4, missing: [] },
    ])
    expect(second.next).toBeNull()
  })

  test('a page of messages that miss many ends before NATS would refuse it', async () => {
    const { db } = opened
    await storeExperiment(db, 'missing')
    const expected = Array.from({ length: 300 }, (_, index) => `a-node-with-a-long-name-${index}`)
    const messages = Array.from({ length: 150 }, (_, number) => ({
      number,
      state: 'accepted' as const,
      expected,
    }))
    await storeMessages(db, 'missing', messages)

    const numbers: (number | null)[] = []
    let after: string | undefined
    let pages = 0
    do {
      const request = { id: 'missing', limit: 1000, ...(after === undefined ? {} : { after }) }
      const page = await bus.request(messagesQueried, {}, request)
      numbers.push(...page.messages.map(({ number }) => number))
      after = page.next ?? undefined
      pages += 1
    } while (after !== undefined)

    expect(pages).toBeGreaterThan(1)
    expect(numbers).toEqual(messages.map(({ number }) => number))
  })

  test('what does not exist, or is the place of another list, is refused', async () => {
    const unknown = { refusal: { code: 'not-found' } }
    await expect(askFigures('unknown')).rejects.toMatchObject(unknown)
    await expect(bus.request(pairsQueried, {}, { id: 'unknown' })).rejects.toMatchObject(unknown)
    await expect(
      bus.request(messagesQueried, {}, { id: 'nothing', limit: 1, after: 'node1' }),
    ).rejects.toMatchObject({ refusal: { code: 'invalid' } })
    await expect(
      bus.request(pairsQueried, {}, { id: 'nothing', after: 'a:b:c:d' }),
    ).rejects.toMatchObject({ refusal: { code: 'invalid' } })
  })
})
