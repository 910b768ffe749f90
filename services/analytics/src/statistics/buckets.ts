/** Edges of buckets in whole microseconds, ascending: one more than there are buckets. */
export type Edges = readonly number[]

const mostLinear = 60
const firstLogarithmicUs = 125

/** Of one width, 1, 2 or 5 × a power of ten, so that there are not more than 60. */
export function linearEdges(smallest: number, largest: number): Edges {
  for (let power = 1; ; power *= 10) {
    for (const digit of [1, 2, 5]) {
      const width = digit * power
      const first = Math.floor(smallest / width)
      const buckets = Math.floor(largest / width) - first + 1
      if (buckets > mostLinear) continue
      return Array.from({ length: buckets + 1 }, (_, index) => (first + index) * width)
    }
  }
}

/** Powers of two from 125 µs on; what is smaller, down to below zero, is in the first one. */
export function logarithmicEdges(smallest: number, largest: number): Edges {
  const edges = [Math.min(0, smallest), firstLogarithmicUs]
  for (;;) {
    const last = edges[edges.length - 1] ?? 0
    if (last > largest) break
    edges.push(last * 2)
  }
  // Empty ones before the first sample say nothing.
  const first = edges.findLastIndex((edge) => edge <= smallest)
  return edges.slice(first)
}
