import { toTimestamp } from '@corroport/contracts'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { readPropagation } from '../src/propagation/answer-propagation.ts'
import type { Site } from '../src/propagation/hour-figures.ts'
import { hoursLater, storeEndedHours } from '../src/propagation/store-hours.ts'
import type { Db } from '../src/store/database.ts'
import { startDatabase } from './harness.ts'

let database: Awaited<ReturnType<typeof startDatabase>>
let db: Db

const sites: Site[] = ['node1', 'node2'].map((origin) => ({ site_id: `site of ${origin}`, origin }))
const thisHour = `${new Date().toISOString().slice(0, 13)}:00:00.000000Z`
const hoursAgo = (hours: number): string => hoursLater(thisHour, -hours)
const second = 1_000_000
const later = (time: string, microseconds: number): string =>
  toTimestamp(Date.parse(time) * 1000 + microseconds)

beforeAll(async () => {
  database = await startDatabase()
  db = database.db
})
afterAll(() => database[Symbol.asyncDispose]())

beforeEach(async () => {
  await sql`TRUNCATE sighting, clock_sample, event, propagation_hour`.execute(db)
})

interface Sight {
  key: string
  writtenAt: string
  /** From the write, by the two clocks as they are. Microseconds. */
  took: number
  origin?: string
  node?: string
  table?: string
  via?: string
}

async function see(sights: readonly Sight[]): Promise<void> {
  const rows = sights.map(({ key, writtenAt, took, ...other }) => ({
    table_name: other.table ?? 'node_messages',
    key_digest: key,
    row_version: 'v1',
    node_id: other.node ?? 'node2',
    change: 'insert',
    via: other.via ?? 'updates',
    site_id: `site of ${other.origin ?? 'node1'}`,
    written_at: writtenAt,
    observed_at: later(writtenAt, took),
  }))
  await db.insertInto('sighting').values(rows).execute()
}

/** The clocks of both nodes, each ten seconds of two hours from `from` on. */
async function sampleClocks(from: string, offsetsMs: Record<string, number>): Promise<void> {
  const samples = Object.entries(offsetsMs).flatMap(([nodeId, offsetMs]) =>
    Array.from({ length: 720 }, (_, index) => ({
      node_id: nodeId,
      offset_us: offsetMs * 1000,
      bound_us: 200,
      round_trip_us: 400,
      probes: 5,
      drift_ppm: 0,
      at: later(from, index * 10 * second),
    })),
  )
  await db.insertInto('clock_sample').values(samples).execute()
}

const traffic = (hour: string, count: number, of: Partial<Sight> = {}): Sight[] =>
  Array.from({ length: count }, (_, index) => ({
    key: `${hour}.${index}`,
    writtenAt: later(hour, 60 * second + index * second),
    took: (index + 1) * 1000,
    ...of,
  }))

const read = (query: Partial<Parameters<typeof readPropagation>[2]> = {}) =>
  readPropagation(db, sites, { sinceHours: 24, ...query })

test('both clocks are taken out of the times, and their bounds are told', async () => {
  await sampleClocks(hoursAgo(3), { node1: 5000, node2: -20 })
  // By their clocks node2 saw each 5.02 s before it was written.
  await see(traffic(hoursAgo(3), 20).map((sight) => ({ ...sight, took: sight.took - 5_020_000 })))

  const { propagation, next } = await read()

  expect(next).toBeNull()
  expect(propagation).toEqual([
    {
      table: 'node_messages',
      origin_node_id: 'node1',
      node_id: 'node2',
      hour: hoursAgo(3),
      n: 20,
      negatives: 0,
      without_clock: 0,
      p50_ms: 10,
      p95_ms: 19,
      p99_ms: null,
      max_ms: 20,
      bound_ms: expect.any(Number),
      corrosion_p99_lag_ms: null,
    },
  ])
  expect(propagation[0]?.bound_ms).toBeGreaterThanOrEqual(0.4)
  expect(propagation[0]?.bound_ms).toBeLessThan(1)
})

test('negatives are counted as they are, and what has no clock is counted apart', async () => {
  await sampleClocks(hoursAgo(3), { node1: 0, node2: 0 })
  const [early, ...others] = traffic(hoursAgo(3), 3)
  await see([{ ...early!, took: -2000 }, ...others]) // three were asked for
  await see(traffic(hoursAgo(10), 1))

  const { propagation } = await read()

  expect(propagation).toMatchObject([
    { hour: hoursAgo(3), n: 3, negatives: 1, without_clock: 0, p50_ms: 2, p95_ms: null },
    { hour: hoursAgo(10), n: 0, without_clock: 1, p50_ms: null, max_ms: null, bound_ms: null },
  ])
})

test('own writes, writes of strangers and what was caught up with are left out', async () => {
  await sampleClocks(hoursAgo(3), { node1: 0, node2: 0 })
  await see([
    ...traffic(hoursAgo(3), 1, { key: 'own', node: 'node1' }),
    ...traffic(hoursAgo(3), 1, { key: 'stranger', origin: 'node9' }),
    ...traffic(hoursAgo(3), 1, { key: 'after an absence', via: 'catch-up' }),
  ])

  expect((await read()).propagation).toEqual([])
})

test("an ended hour is stored once ingest has passed it, with the receiver's own lag", async () => {
  await sampleClocks(hoursAgo(3), { node1: 0, node2: 0 })
  await see(traffic(hoursAgo(3), 5))
  await sample('node2', later(hoursAgo(2), -10 * second), 0.012)
  await sample('node2', later(hoursAgo(2), -5 * second), 0.04)
  await sample('node1', later(hoursAgo(2), -1 * second), 9)
  expect(await storeEndedHours(db, sites)).toEqual({ hours: [] })

  await see([{ key: 'not yet', writtenAt: later(hoursAgo(2), 30 * second), took: 1000 }])
  expect(await storeEndedHours(db, sites)).toEqual({ hours: [] })
  await see([{ key: 'passed', writtenAt: later(hoursAgo(2), 90 * second), took: 1000 }])
  expect(await storeEndedHours(db, sites)).toEqual({ hours: [hoursAgo(3)] })
  expect(await storeEndedHours(db, sites)).toEqual({ hours: [] })

  // What is stored is read, and no longer computed.
  await sql`DELETE FROM sighting WHERE observed_at < ${hoursAgo(2)}::timestamptz`.execute(db)
  expect((await read()).propagation).toMatchObject([
    { hour: hoursAgo(2), n: 2 },
    { hour: hoursAgo(3), n: 5, p50_ms: 3, corrosion_p99_lag_ms: 40 },
  ])
})

test('an hour is computed again when something comes late', async () => {
  await sampleClocks(hoursAgo(4), { node1: 0, node2: 0 })
  await see([...traffic(hoursAgo(4), 5), ...traffic(hoursAgo(1), 100)])
  expect(await storeEndedHours(db, sites)).toEqual({ hours: [hoursAgo(4)] })

  await see([{ key: 'late', writtenAt: later(hoursAgo(4), 5 * second), took: 50_000 }])
  expect((await read({ table: 'node_messages' })).propagation.at(-1)).toMatchObject({ n: 5 })
  expect(await storeEndedHours(db, sites)).toEqual({ hours: [hoursAgo(4)] })

  expect((await read()).propagation.at(-1)).toMatchObject({ n: 6, max_ms: 50 })
})

test('a clock that is ahead ends no hour', async () => {
  await see([
    ...traffic(thisHour, 1),
    ...traffic(hoursLater(thisHour, 5), 1, { key: 'from tomorrow' }),
  ])

  expect(await storeEndedHours(db, sites)).toEqual({ hours: [] })
  expect((await read({ sinceHours: 0.1 })).propagation.at(-1)).toMatchObject({ hour: thisHour })
})

test('the answer comes in pages, without a gap and without a repetition', async () => {
  await see(
    Array.from({ length: 4100 }, (_, index) => ({
      key: `${index}`,
      table: `table ${index % 2050}`,
      writtenAt: later(hoursAgo(index < 2050 ? 2 : 3), 60 * second),
      took: 1000,
    })),
  )
  const seen: string[] = []
  const sizes: number[] = []

  for (let after: string | null | undefined; after !== null; ) {
    const page = await read(after === undefined ? {} : { after })
    seen.push(...page.propagation.map(({ hour, table }) => `${hour} ${table}`))
    sizes.push(Buffer.byteLength(JSON.stringify(page)))
    after = page.next
  }

  expect(new Set(seen).size).toBe(4100)
  expect(seen).toHaveLength(4100)
  expect(sizes).toHaveLength(3)
  expect(Math.max(...sizes)).toBeLessThan(1_000_000)
  await expect(read({ after: '1' })).rejects.toThrow('after is not the next of a page')
})

test('one table, one origin or one receiver can be asked for', async () => {
  await see([
    ...traffic(hoursAgo(2), 1, { key: 'a' }),
    ...traffic(hoursAgo(2), 1, { key: 'b', table: 'services' }),
    ...traffic(hoursAgo(2), 1, { key: 'c', origin: 'node2', node: 'node1' }),
  ])
  const count = async (query: Partial<Parameters<typeof readPropagation>[2]>): Promise<number> =>
    (await read(query)).propagation.length

  expect(await count({})).toBe(3)
  expect(await count({ table: 'services' })).toBe(1)
  expect(await count({ origin: 'node2' })).toBe(1)
  expect(await count({ node: 'node2' })).toBe(2)
})

async function sample(nodeId: string, at: string, p99LagSeconds: number): Promise<void> {
  const payload = JSON.stringify({ nodeId, at, agent: { p99LagSeconds } })
  const names = { kind: 'node.sampled', subject: `corro.node.sampled.${nodeId}` }
  await db
    .insertInto('event')
    .values({ id: `${nodeId}.${at}`, ...names, at, payload })
    .execute()
}
