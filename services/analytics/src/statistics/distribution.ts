import { type Distribution, type OneWay, samplesNeeded } from '@corroport/contracts'
import { sql } from 'kysely'

/** Count and sum in µs, then smallest, 50th, 95th and 99th percentile, and largest. */
export type Spread = readonly [
  n: number,
  sum: number | null,
  ranks: readonly [min: number, p50: number, p95: number, p99: number, max: number] | null,
]

/**
 * Aggregates a column of microseconds to a `Spread`. Nearest rank; what is null is no sample. The
 * values are sorted for the percentiles: their ends cost nothing, min() and max() would.
 */
export const spreadOf = (column: string) => {
  const value = sql.ref(column)
  return sql<Spread>`json_build_array(count(${value}), sum(${value}),
    percentile_disc(ARRAY[0, 0.5, 0.95, 0.99, 1]) WITHIN GROUP (ORDER BY ${value}))`
}

export const toMilliseconds = (us: number): number => Math.round(us) / 1000

export function toDistribution([n, sum, ranks]: Spread): Distribution {
  const inMs = (us: number | null | undefined, needed = 1): number | null =>
    us === null || us === undefined || n < needed ? null : toMilliseconds(us)
  const [min, p50, p95, p99, max] = ranks ?? []
  return {
    n,
    min_ms: inMs(min),
    mean_ms: inMs(sum === null ? null : sum / n),
    p50_ms: inMs(p50, samplesNeeded.p50),
    p95_ms: inMs(p95, samplesNeeded.p95),
    p99_ms: inMs(p99, samplesNeeded.p99),
    max_ms: inMs(max),
  }
}

export function toInterval([from, to]: readonly [from: number, to: number]) {
  return { from_ms: toMilliseconds(from), to_ms: toMilliseconds(to) }
}

/** Of the acknowledgements of one node, pair or region, or of all. */
export interface Measured {
  acks: number
  late: number
  retried: number
  wall: number
  negatives: number
  bound: number | null
  round_trip: Spread
  one_way: Spread
}

/** Aggregates `counted_ack`, here called `a`. */
export const measured = sql<Measured>`
  count(*)::float8 AS acks,
  count(*) FILTER (WHERE a.is_late)::float8 AS late,
  count(*) FILTER (WHERE a.is_retried)::float8 AS retried,
  count(*) FILTER (WHERE a.is_wall)::float8 AS wall,
  count(*) FILTER (WHERE a.one_way < 0)::float8 AS negatives,
  max(a.bound) FILTER (WHERE a.one_way IS NOT NULL) AS bound,
  ${spreadOf('a.round_trip')} AS round_trip,
  ${spreadOf('a.one_way')} AS one_way`

const none: Spread = [0, null, null]

export const nothingMeasured: Measured = {
  acks: 0,
  late: 0,
  retried: 0,
  wall: 0,
  negatives: 0,
  bound: null,
  round_trip: none,
  one_way: none,
}

export function toOneWay({ acks, one_way, bound, negatives }: Measured): OneWay {
  return {
    ...toDistribution(one_way),
    bound_ms: bound === null ? null : toMilliseconds(Math.ceil(bound)),
    negatives,
    unknown: acks - one_way[0],
  }
}
