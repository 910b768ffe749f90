import type { Comparison } from './compare-clocks.ts'

/** Two ordinary quartzes drift apart by so much at worst, 100 ppm each. µs per second. */
export const worstDriftPpm = 200

// Half an hour at the usual interval: long enough for nodes that are far away, short enough to follow
// the temperature.
const windowLength = 180
// The bounds alone leave the drift no surer than this: nothing is said then.
const leastCertaintyPpm = 10

/** The comparisons since the clock was last set, oldest first. */
export function addComparison(
  window: readonly Comparison[],
  next: Comparison,
): readonly Comparison[] {
  const last = window.at(-1)
  if (last && wasSetBetween(last, next)) return [next]
  return [...window, next].slice(-windowLength)
}

/** One of the two clocks was set: no drift moves an offset so far. */
function wasSetBetween(last: Comparison, next: Comparison): boolean {
  const seconds = (next.at - last.at) / 1e6
  const moved = Math.abs(next.offsetUs - last.offsetUs)
  return seconds <= 0 || moved > last.boundUs + next.boundUs + worstDriftPpm * seconds
}

/**
 * µs per second that the node's clock gains: a line through the window by least squares, each
 * comparison weighted by its bound. Null when it is not known well enough.
 */
export function fitDrift(window: readonly Comparison[]): number | null {
  const points = window.map(({ at, offsetUs, boundUs }) => ({
    seconds: (at - (window[0]?.at ?? 0)) / 1e6,
    offsetUs,
    weight: 1 / Math.max(1, boundUs) ** 2,
  }))
  const sum = (of: (point: (typeof points)[number]) => number) =>
    points.reduce((total, point) => total + of(point), 0)
  const weight = sum((point) => point.weight)
  const middle = sum((point) => point.weight * point.seconds) / weight
  const spread = sum((point) => point.weight * (point.seconds - middle) ** 2)
  if (!(spread * leastCertaintyPpm ** 2 >= 1)) return null
  return sum((point) => point.weight * (point.seconds - middle) * point.offsetUs) / spread
}
