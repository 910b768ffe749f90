import type { TransportFigures } from '@corroport/contracts'

export type Bucket = TransportFigures['histogram']['linear'][number]

/** Buckets between the first and the last that have samples. */
export function usedBuckets(buckets: readonly Bucket[]): Bucket[] {
  const first = buckets.findIndex(({ count }) => count > 0)
  const last = buckets.findLastIndex(({ count }) => count > 0)
  return first === -1 ? [] : buckets.slice(first, last + 1)
}

export interface CurvePoint {
  ms: number
  /** 0 to 1. */
  share: number
}

/** The share that had come within a time, where it is known: at the edges of both kinds of buckets. */
export function cumulate({ histogram, round_trip: { n } }: CumulatedFigures): CurvePoint[] {
  if (n === 0) return []
  return [histogram.linear, histogram.logarithmic]
    .flatMap((buckets) => {
      const used = usedBuckets(buckets)
      const [begin] = used
      let count = 0
      const points = used.map((bucket) => {
        count += bucket.count
        return { ms: bucket.to_ms, share: count / n }
      })
      return begin ? [{ ms: begin.from_ms, share: 0 }, ...points] : []
    })
    .toSorted((one, other) => one.ms - other.ms || one.share - other.share)
}

type CumulatedFigures = Pick<TransportFigures, 'histogram'> & { round_trip: { n: number } }

/** `M1 2L3 4`, to tenths of a pixel. */
export function pathOf(points: readonly (readonly [number, number])[]): string {
  return points
    .map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join('')
}
