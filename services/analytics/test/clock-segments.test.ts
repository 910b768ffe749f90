import { seededRandom } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { worstDriftPpm } from '../src/clocks/clock-drift.ts'
import {
  createClockSegments,
  gapSeconds,
  holdSeconds,
  segmentSeconds,
  wanderPpm,
} from '../src/clocks/clock-segments.ts'
import { startDatabase } from './harness.ts'

// A Tuesday; seconds.
const begin = 1_768_300_000

interface Sample {
  /** Seconds by the clock of analytics. */
  t: number
  offsetUs: number
  boundUs: number
}
interface Segment {
  bucket: number
  offset_us: number
  slope: number
  bound_us: number
}

let database: Awaited<ReturnType<typeof startDatabase>>
beforeAll(async () => {
  database = await startDatabase()
}, 30_000)
afterAll(() => database[Symbol.asyncDispose]())

test('the database makes what the rule says, of random samples', async () => {
  const random = seededRandom(1)
  for (let run = 0; run < 40; run += 1) {
    const samples = randomSamples(random)

    const rows = await segmentsOf(samples)
    const expected = model(samples)
    expect(rows.map(({ bucket }) => bucket)).toEqual(expected.map(({ bucket }) => bucket))
    for (const [index, row] of rows.entries()) {
      const { offset_us = 0, slope = 0, bound_us = 0 } = expected[index] ?? {}
      // A double holds the times to 0.24 µs.
      expect(row.offset_us).toBeCloseTo(offset_us, 1)
      expect(row.slope).toBeCloseTo(slope, 1)
      expect(row.bound_us).toBeCloseTo(bound_us, 1)
    }
  }
}, 60_000)

test('the true offset lies within the bound at every time that has a row', async () => {
  const random = seededRandom(2)
  let checked = 0
  for (let run = 0; run < 30; run += 1) {
    const clock = drivenClock(random)
    const samples = clock.samples
    const segments = new Map((await segmentsOf(samples)).map((row) => [row.bucket, row]))

    for (let look = 0; look < 500; look += 1) {
      const t = begin + random() * 600
      const trueUs = clock.offsetAt(t)
      const own = t + trueUs / 1e6
      const segment = segments.get(Math.floor(own / segmentSeconds))
      if (!segment) continue
      checked += 1
      const { offset_us, slope, bound_us, bucket } = segment
      const stated = offset_us + slope * (own - bucket * segmentSeconds)
      // A double holds these times to 0.24 µs.
      expect(Math.abs(stated - trueUs)).toBeLessThanOrEqual(bound_us + 1)
    }
  }
  expect(checked).toBeGreaterThan(10_000)
}, 60_000)

test('a clock that is set back by a minute is known before and after, and in nothing shown twice', async () => {
  const every = Array.from({ length: 31 }, (_, index) => begin + index * 10)
  const samples = every.map((t, index) => sample(t, index < 15 ? 0 : -60_000_000))

  const starts = (await segmentsOf(samples)).map(({ bucket }) => bucket * segmentSeconds - begin)

  // It showed 80 to 150 twice. Samples of these ten seconds stand in each other's way.
  expect(starts.filter((start) => start >= 80 && start < 150)).toEqual([])
  expect(starts).toEqual(expect.arrayContaining([-60, 0, 70, 210, 290]))
})

test('a clock that is set forward by fifty years makes no rows in between', async () => {
  const years = 50 * 365 * 86_400
  const samples = [0, 10, 20, 30].map((after, index) =>
    sample(begin + after, index < 2 ? 0 : years * 1e6),
  )

  expect((await segmentsOf(samples)).length).toBeLessThan(30)
})

test('nothing is known of a long silence, nor long before and after', async () => {
  const samples = [sample(begin, 0), sample(begin + gapSeconds + 1, 0)]

  const rows = await segmentsOf(samples)

  expect(rows.map(({ bucket }) => (bucket - begin / segmentSeconds) * segmentSeconds)).toEqual([
    -60, -50, -40, -30, -20, -10, 610, 620, 630, 640, 650,
  ])
  expect(rows[0]?.bound_us).toBeCloseTo(200 + worstDriftPpm * 60, 3)
})

test('a sample that no clock can have told is left out', async () => {
  const forged = [sample(begin + 1, 1e300), sample(begin + 2, 0, -5), sample(begin + 3, 0, 1e300)]

  expect(await segmentsOf([sample(begin, 0), ...forged])).toEqual(
    await segmentsOf([sample(begin, 0)]),
  )
})

test('a second use in the same session makes them anew', async () => {
  expect(await segmentsOf([sample(begin, 0)])).toEqual(await segmentsOf([sample(begin, 0)]))
})

function sample(t: number, offsetUs: number, boundUs = 200): Sample {
  return { t, offsetUs, boundUs }
}

async function segmentsOf(samples: readonly Sample[]): Promise<Segment[]> {
  const { db } = database
  return await db.transaction().execute(async (transaction) => {
    await sql`TRUNCATE clock_sample`.execute(transaction)
    await sql`
      INSERT INTO clock_sample
      SELECT 'node1', "offsetUs", "boundUs", 2 * "boundUs", 8, NULL, to_timestamp(t)
      FROM jsonb_to_recordset(${JSON.stringify(samples)}::jsonb)
        AS x (t float8, "offsetUs" float8, "boundUs" float8)
    `.execute(transaction)
    await createClockSegments(transaction, {
      from: new Date(begin * 1000).toISOString(),
      to: new Date((begin + 86_400) * 1000).toISOString(),
    })
    const { rows } = await sql<Segment>`
      SELECT bucket::float8 AS bucket, offset_us, slope, bound_us
      FROM clock_segment ORDER BY clock_segment.bucket
    `.execute(transaction)
    return rows
  })
}

/** Steps, silences, crowds and single samples. Whole microseconds, as the database keeps. */
function randomSamples(random: () => number): Sample[] {
  const samples: Sample[] = []
  let t = begin
  let offsetUs = (random() - 0.5) * 2e7
  const count = 1 + Math.floor(random() * 60)
  for (let index = 0; index < count; index += 1) {
    samples.push({ t, offsetUs: Math.round(offsetUs), boundUs: Math.round(100 + random() * 2000) })
    const kind = random()
    t += kind < 0.05 ? 700 : kind < 0.4 ? 1 + Math.round(random() * 3e6) / 1e6 : 10
    offsetUs += random() < 0.07 ? (random() - 0.5) * 4e7 : (random() - 0.5) * 1500
  }
  return samples
}

/**
 * A clock of a known drift that wanders within what is allowed, is sometimes set, and is sampled with
 * errors as large as their bounds.
 */
function drivenClock(random: () => number) {
  const mean = (random() - 0.5) * 200
  const points = [{ t: begin - 200, offsetUs: (random() - 0.5) * 1e7 }]
  for (let t = begin - 195; t <= begin + 800; t += 5) {
    const last = points.at(-1)?.offsetUs ?? 0
    const step = random() < 0.005 ? (random() - 0.5) * 2e7 : 0
    const rate = mean + (random() - 0.5) * wanderPpm
    points.push({ t, offsetUs: last + rate * 5 + step })
  }
  const offsetAt = (t: number): number => {
    const index = points.findLastIndex((point) => point.t <= t)
    const [from, to] = [points[index], points[index + 1]]
    if (!from) throw new Error('unreachable: before its beginning')
    const isSet = to === undefined || Math.abs(to.offsetUs - from.offsetUs) > 1000 * (to.t - from.t)
    return from.offsetUs + (isSet ? mean : (to.offsetUs - from.offsetUs) / 5) * (t - from.t)
  }
  const samples: Sample[] = []
  for (let t = begin - 180; t < begin + 780; t += 2 + random() * 20) {
    const boundUs = 50 + random() * 1000
    samples.push({ t, offsetUs: offsetAt(t) + (random() * 2 - 1) * boundUs, boundUs })
  }
  return { offsetAt, samples }
}

/** The same rule, looked at point by point. */
function model(samples: readonly Sample[]): Segment[] {
  const bucketOf = (x: number) => Math.floor(x / segmentSeconds)
  const best = new Map<number, Sample & { x: number }>()
  for (const one of samples) {
    const x = one.t + one.offsetUs / 1e6
    const other = best.get(bucketOf(x))
    if (!other || one.boundUs < other.boundUs) best.set(bucketOf(x), { ...one, x })
  }
  const knots = [...best.values()].toSorted((a, b) => a.t - b.t)

  type Piece = {
    from: number
    to: number
    offset?: (x: number) => number
    bound: (x: number) => number
  }
  const pieces: Piece[] = []
  const hold = (knot: Sample & { x: number }, from: number, to: number) =>
    pieces.push({
      from,
      to,
      offset: () => knot.offsetUs,
      bound: (x) => knot.boundUs + worstDriftPpm * Math.abs(x - knot.x),
    })
  const [first, last] = [knots[0], knots.at(-1)]
  if (first) hold(first, first.x - holdSeconds, first.x)
  if (last) hold(last, last.x, last.x + holdSeconds)
  for (const [index, a] of knots.entries()) {
    const b = knots[index + 1]
    if (!b) continue
    const seconds = b.t - a.t
    const moved = Math.max(0, Math.abs(b.offsetUs - a.offsetUs) - a.boundUs - b.boundUs)
    if (seconds > gapSeconds || moved > worstDriftPpm * seconds) {
      const bound = () => Number.NaN
      pieces.push({ from: a.x, to: a.x + seconds, bound }, { from: b.x - seconds, to: b.x, bound })
    } else if (b.x > a.x) {
      pieces.push({
        from: a.x,
        to: b.x,
        offset: (x) => a.offsetUs + ((b.offsetUs - a.offsetUs) * (x - a.x)) / (b.x - a.x),
        bound: (x) =>
          Math.max(a.boundUs, b.boundUs) + moved + wanderPpm * Math.min(x - a.x, b.x - x),
      })
    }
  }

  const buckets = new Set(
    pieces
      .filter(({ offset }) => offset)
      .flatMap(({ from, to }) =>
        Array.from({ length: bucketOf(to) - bucketOf(from) + 1 }, (_, i) => bucketOf(from) + i),
      ),
  )
  return [...buckets]
    .toSorted((a, b) => a - b)
    .flatMap((bucket): Segment[] => {
      const [start, end] = [bucket * segmentSeconds, (bucket + 1) * segmentSeconds]
      const here = pieces
        .filter(({ from, to }) => to > start && from < end && to > from)
        .toSorted((a, b) => a.from - b.from)
      let covered = start
      for (const { from, to, offset } of here) {
        if (!offset || Math.abs(Math.max(from, start) - covered) > 1e-6) return []
        covered = Math.min(to, end)
      }
      const [head, tail] = [here[0]?.offset?.(start), here.at(-1)?.offset?.(end)]
      if (covered !== end || head === undefined || tail === undefined) return []
      const slope = (tail - head) / segmentSeconds
      const points = here.flatMap(({ from, to, bound }) => {
        const middle = (from + to) / 2
        return [Math.max(from, start), Math.min(to, end), middle]
          .filter((x) => x >= start && x <= end)
          .map((x) => bound(x))
      })
      const bends = here.slice(1).map(({ from, offset }) => {
        return Math.abs((offset?.(from) ?? 0) - head - slope * (from - start))
      })
      return [
        {
          bucket,
          offset_us: head,
          slope,
          bound_us: Math.max(...points) + Math.max(0, ...bends),
        },
      ]
    })
}
