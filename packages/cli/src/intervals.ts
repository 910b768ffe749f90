import type { TransportFigures } from '@corroport/contracts'

const z = 1.959964 // of a normal distribution, 95 % two-sided

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
