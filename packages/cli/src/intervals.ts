import type { TransportFigures } from '@corroport/contracts'

const z = 1.959964 // of a normal distribution, 95 % two-sided

/**
 * 95 % interval of the median round trip, after the ranks of order statistics. Acknowledgements of
 * one message depend on each other, so messages are the samples. It ends at edges of buckets,
 * hence is never too narrow for its ranks. Undefined where messages are too few for it.
 */
export function medianInterval({
  first_ack,
  round_trip,
  histogram,
}: Pick<TransportFigures, 'first_ack' | 'round_trip' | 'histogram'>): [number, number] | undefined {
  const messages = first_ack.n
  // Below six, no pair of ranks holds the median with 95 %.
  if (messages < 6 || round_trip.n === 0) return undefined
  const spread = z / (2 * Math.sqrt(messages))
  // Each kind of buckets holds the rank's sample, so their overlap does, and it is narrower.
  const kinds = [histogram.linear, histogram.logarithmic]
  const lows = kinds.flatMap((buckets) => bucketAt(buckets, 0.5 - spread)?.from_ms ?? [])
  const highs = kinds.flatMap((buckets) => bucketAt(buckets, 0.5 + spread)?.to_ms ?? [])
  if (lows.length === 0 || highs.length === 0) return undefined
  return [
    Math.max(...lows, round_trip.min_ms ?? 0),
    Math.min(...highs, round_trip.max_ms ?? Number.POSITIVE_INFINITY),
  ]
}

type Bucket = TransportFigures['histogram']['linear'][number]

function bucketAt(buckets: readonly Bucket[], share: number): Bucket | undefined {
  const total = buckets.reduce((sum, { count }) => sum + count, 0)
  const rank = Math.min(total, Math.max(1, Math.ceil(share * total)))
  let seen = 0
  return buckets.find(({ count }) => (seen += count) >= rank)
}

/** 95 % interval of the delivery rate after Wilson, as if each acknowledgement had its own fate. */
export function deliveryInterval({
  expected_acks: n,
  lost,
}: Pick<TransportFigures['counts'], 'expected_acks' | 'lost'>): [number, number] | undefined {
  if (n === 0) return undefined
  const rate = (n - lost) / n
  const centre = (rate + z ** 2 / (2 * n)) / (1 + z ** 2 / n)
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((rate * (1 - rate)) / n + z ** 2 / (4 * n ** 2))
  // Rounding would leave 0.9999999 where nothing was lost.
  return [lost === n ? 0 : Math.max(0, centre - half), lost === 0 ? 1 : centre + half]
}
