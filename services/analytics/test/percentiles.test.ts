import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createParser, ReceiverFigures, type TransportFigures } from '@corroport/contracts'
import { seededRandom } from '@corroport/testing'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Type } from 'typebox'
import { storeFigures } from '../src/statistics/compute-figures.ts'
import { storeExperiment, storeMessages, storeSamples, transportOf } from './figures-records.ts'
import { startDatabase } from './harness.ts'

let database: Awaited<ReturnType<typeof startDatabase>>

beforeAll(async () => {
  database = await startDatabase()
}, 60_000)
afterAll(() => database?.[Symbol.asyncDispose]())

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

const total = (buckets: TransportFigures['histogram']['linear']): number =>
  buckets.reduce((sum, { count }) => sum + count, 0)

describe('figures equal those of percentiles.py', () => {
  test.each(cases)(
    'of $n samples',
    async ({ seed, n, min, sum, max, p50, p95, p99 }) => {
      const { db } = database
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

// n/2 ± 0.98 √n, after the normal approximation.
test.each([
  { n: 5, ranks: [] },
  { n: 6, ranks: [1, 6] },
  { n: 100, ranks: [41, 60] },
])('the median of $n messages is held by two ranks', async ({ n, ranks }) => {
  const { db } = database
  await storeSamples(db, `median-${n}`, n, 1)
  const samples = Array.from(
    { length: n },
    (_, index) => 500 + (((index * 48_271 + 69_621) % 2_147_483_647) % 1_000_003),
  ).toSorted((a, b) => a - b)

  const { median_interval } = await transportOf(storeFigures(db, `median-${n}`))

  const [from_ms, to_ms] = ranks.map((rank) => (samples[rank - 1] ?? 0) / 1000)
  expect(median_interval).toEqual(ranks.length === 0 ? null : { from_ms, to_ms })
})

test('pairs, receivers and regions each have the percentiles of their own samples', async () => {
  const { db } = database
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
