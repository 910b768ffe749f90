import { until } from '@corroport/testing'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { computeFigures, storeFigures } from '../src/statistics/compute-figures.ts'
import { storeClocks, storeExperiment, storeMessages, transportOf } from './figures-records.ts'
import { startDatabase } from './harness.ts'

let database: Awaited<ReturnType<typeof startDatabase>>

beforeAll(async () => {
  database = await startDatabase()
  await storeClocks(database.db)
}, 60_000)
afterAll(() => database?.[Symbol.asyncDispose]())

describe('an experiment with everything that can happen', () => {
  const id = 'everything'

  beforeAll(async () => {
    const { db } = database
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
    const gossip = await transportOf(computeFigures(database.db, id), 0)
    const direct = await transportOf(computeFigures(database.db, id), 1)

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
    const gossip = await transportOf(computeFigures(database.db, id))

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
    const gossip = await transportOf(computeFigures(database.db, id))

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
    const gossip = await transportOf(computeFigures(database.db, id))

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
    const gossip = await transportOf(computeFigures(database.db, id))

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
  const { db } = database
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

test('a receiver that joins in the middle is expected of the messages after that', async () => {
  const { db } = database
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

test('the series tells when it was slow and when it lost; nothing falls between two slices', async () => {
  const { db } = database
  await storeExperiment(db, 'over-time')
  const second = 1_000_000
  const acks = (roundTrip: number) => [{ from: 'node2', roundTrip }]
  await storeMessages(db, 'over-time', [
    { number: 0, isWarmup: true, state: 'accepted', at: 0, acks: acks(9) },
    { number: 1, state: 'accepted', at: 0, acks: acks(1000) },
    { number: 2, state: 'accepted', at: 12 * second, acks: acks(3000) },
    // Its clock is not known: it is taken as it is.
    { number: 3, origin: 'node9', state: 'accepted', at: 19 * second, acks: acks(5000) },
    { number: 4, state: 'failed', at: 50 * second },
    { number: 5, at: 51 * second },
    { number: 6, state: 'accepted', at: 59 * second + 999_999, acks: acks(30 * second) },
  ])

  const { series } = await transportOf(computeFigures(db, 'over-time'))

  const nothing = { sent: 0, accepted: 0, expected_acks: 0, lost: 0 }
  const one = { sent: 1, accepted: 1, expected_acks: 2, lost: 1 }
  expect(series).toMatchObject([
    { from_s: 0, to_s: 10, ...one, round_trip: { n: 1, p50_ms: 1, p95_ms: null } },
    { from_s: 10, to_s: 20, sent: 2, lost: 2, round_trip: { n: 2, p50_ms: 3, max_ms: 5 } },
    { from_s: 20, ...nothing, round_trip: { n: 0, p50_ms: null } },
    { from_s: 30, ...nothing },
    { from_s: 40, ...nothing },
    { from_s: 50, to_s: 60, ...one, sent: 3, round_trip: { n: 1, p50_ms: 30_000 } },
  ])
})

test('where everything is lost each receiver is named, and no time is told', async () => {
  const { db } = database
  await storeExperiment(db, 'lost')
  await storeMessages(db, 'lost', [
    { number: 0, state: 'accepted' },
    { number: 1, state: 'accepted' },
  ])

  const figures = await transportOf(storeFigures(db, 'lost'))

  expect(figures.counts).toMatchObject({ sent: 2, expected_acks: 4, acks: 0, lost: 4 })
  expect(figures.delivery_rate).toBe(0)
  expect(figures.receivers).toMatchObject([
    { node_id: 'node2', expected: 2, acks: 0, lost: 2, round_trip: { n: 0, max_ms: null } },
    { node_id: 'node3', expected: 2, acks: 0, lost: 2, one_way: { n: 0, bound_ms: null } },
  ])
  expect(figures.histogram).toEqual({ linear: [], logarithmic: [] })
  expect(figures.all_acks.n).toBe(0)
  expect(figures.series).toMatchObject([
    { sent: 1, lost: 2 },
    { sent: 1, lost: 2 },
  ])
})

test('two experiments at the same time, of other transports, have their own figures', async () => {
  const { db } = database
  await storeExperiment(db, 'one', { transports: ['gossip'] })
  await storeExperiment(db, 'other', { transports: ['direct'] })
  const acks = [{ from: 'node2', roundTrip: 1000 }]
  await storeMessages(db, 'one', [{ number: 0, state: 'accepted', acks }])
  await storeMessages(db, 'other', [
    { number: 0, transport: 'direct', state: 'accepted', acks },
    { number: 1, transport: 'direct', state: 'accepted', acks: [] },
  ])

  const one = await computeFigures(db, 'one')
  const other = await computeFigures(db, 'other')

  expect(one?.transports).toMatchObject([
    { transport: 'gossip', counts: { sent: 1, expected_acks: 2, acks: 1 } },
  ])
  expect(other?.transports).toMatchObject([
    { transport: 'direct', counts: { sent: 2, expected_acks: 4, acks: 1 } },
  ])
})

test('the flush is told by the audits of the time of the experiment', async () => {
  const { db } = database
  await storeExperiment(db, 'flushed')
  const audit = (at: string, flushLagMs: unknown, of: { table?: string; nodeId?: string } = {}) => {
    const { table = 'node_messages', nodeId = 'node2' } = of
    return {
      id: `audited.${table}.${at}`,
      kind: 'subscription.audited',
      subject: `corro.subscription.audited.${nodeId}`,
      at,
      payload: JSON.stringify({ table, nodeId, flushLagMs }),
    }
  }
  const other = { count: 5, p50: 9, p95: 9 }
  await db
    .insertInto('event')
    .values([
      audit('2026-01-15T10:00:05Z', { count: 10, p50: 400, p95: 500 }),
      audit('2026-01-15T10:00:06Z', { count: 30, p50: 200, p95: 500 }),
      audit('2026-01-15T10:00:07Z', null),
      audit('2026-01-15T10:00:08Z', other, { table: 'node_configs' }),
      audit('2026-01-15T10:00:09Z', other, { nodeId: 'bystander' }),
      audit('2026-01-15T11:00:00Z', other),
    ])
    .execute()

  expect((await computeFigures(db, 'flushed'))?.flush).toEqual({ sights: 40, mean_ms: 250 })
})

test('an experiment without a message has figures of nothing', async () => {
  await storeExperiment(database.db, 'nothing')

  const figures = await transportOf(storeFigures(database.db, 'nothing'))

  expect(figures.counts).toMatchObject({ planned: 0, sent: 0, expected_acks: 0, lost: 0 })
  expect(figures.delivery_rate).toBeNull()
  expect(figures.round_trip).toMatchObject({ n: 0, p50_ms: null, mean_ms: null })
  expect(figures.histogram).toEqual({ linear: [], logarithmic: [] })
  expect(figures.series).toEqual([])
})

test('figures whose raw records are gone by retention are kept, even when they are stale', async () => {
  const { db } = database
  await storeExperiment(db, 'old')
  await storeMessages(db, 'old', [{ number: 0, state: 'accepted' }])
  const stored = await storeFigures(db, 'old')
  await db.deleteFrom('sent').where('experiment_id', '=', 'old').execute()
  await sql`UPDATE experiment SET is_stale = true WHERE id = 'old'`.execute(db)

  expect(await storeFigures(db, 'old')).toEqual(stored)
})

test('nothing that is stored while figures are computed is missed by both', async () => {
  const { db } = database
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
