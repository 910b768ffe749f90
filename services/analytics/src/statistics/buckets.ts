/** Edges of buckets in whole microseconds, ascending: one more than there are buckets. */
export type Edges = readonly number[]

export const mostLinear = 60

/** Of one width, 1, 2 or 5 × a power of ten, so that there are not more than so many. */
export function linearEdges(smallest: number, largest: number, most = mostLinear): Edges {
  for (let power = 1; ; power *= 10) {
    for (const digit of [1, 2, 5]) {
      const width = digit * power
      const first = Math.floor(smallest / width)
      const buckets = Math.floor(largest / width) - first + 1
      if (buckets > most) continue
      return Array.from({ length: buckets + 1 }, (_, index) => (first + index) * width)
    }
  }
}

/** Ten in each decade, rounded as makers of parts round them (Renard). */
const decade = [100, 125, 160, 200, 250, 315, 400, 500, 630, 800]

/** Ten to a decade from 100 µs on; what is smaller, down to below zero, is in the first one. */
export function logarithmicEdges(smallest: number, largest: number): Edges {
  const edges = [Math.min(0, smallest)]
  for (let power = 1; ; power *= 10) {
    for (const edge of decade) {
      edges.push(edge * power)
      if (edge * power <= largest) continue
      // Empty ones before the first sample say nothing.
      return edges.slice(edges.findLastIndex((one) => one <= smallest))
    }
  }
}
