import type { AckPoint } from './acks.ts'

export interface Pattern {
  /** Unix milliseconds of the first arrival. */
  from: number
  bucketMs: number
  buckets: number
  nodes: { node: string; counts: number[]; n: number; first: number; last: number }[]
  /** In one bucket of one node. */
  most: number
}

const mostBuckets = 160
// A person reads these; the flush of Corrosion's subscriptions is 600 ms.
const widths = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000]

/** When the acknowledgements of each receiver arrived: bursts show what batches them. */
export function patternOf(points: readonly AckPoint[]): Pattern | undefined {
  if (points.length === 0) return undefined
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const { arrivedAt } of points) {
    from = Math.min(from, arrivedAt)
    to = Math.max(to, arrivedAt)
  }
  const bucketMs =
    widths.find((width) => (to - from) / width < mostBuckets) ??
    Math.ceil((to - from) / mostBuckets / 60_000) * 60_000
  const buckets = Math.floor((to - from) / bucketMs) + 1
  const nodes = new Map<string, Pattern['nodes'][number]>()
  let most = 0
  for (const { node, arrivedAt } of points) {
    const of = nodes.get(node) ?? {
      node,
      counts: Array.from({ length: buckets }, () => 0),
      n: 0,
      first: arrivedAt,
      last: arrivedAt,
    }
    nodes.set(node, of)
    const index = Math.floor((arrivedAt - from) / bucketMs)
    const count = (of.counts[index] ?? 0) + 1
    of.counts[index] = count
    of.n += 1
    of.first = Math.min(of.first, arrivedAt)
    of.last = Math.max(of.last, arrivedAt)
    most = Math.max(most, count)
  }
  const byName = (one: { node: string }, other: { node: string }) =>
    one.node.localeCompare(other.node, 'en', { numeric: true })
  return { from, bucketMs, buckets, nodes: [...nodes.values()].toSorted(byName), most }
}
