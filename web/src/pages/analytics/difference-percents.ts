import type { ComparedFigure } from '@corroport/contracts'

/** A difference and its interval in percent of A; undefined where A is nothing to compare with. */
export function percentsOf({
  a,
  difference,
  interval,
}: Pick<ComparedFigure, 'a' | 'difference' | 'interval'>):
  | { low: number; middle: number; high: number }
  | undefined {
  if (a === null || a <= 0 || difference === null || interval === null) return undefined
  const [low, middle, high] = [interval[0], difference, interval[1]].map(
    (value) => (100 * value) / a,
  )
  if (low === undefined || middle === undefined || high === undefined) return undefined
  return { low, middle, high }
}
