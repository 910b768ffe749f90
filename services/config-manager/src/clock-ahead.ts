import { fromTimestamp } from '@corroport/contracts'

/** Corrosion gives up a change's lag, and its clock, when it is further ahead. */
export const warnedClockMs = 300
export const refusedClockMs = 10_000

/**
 * At least so many milliseconds another clock is ahead of this one; below zero: behind. The answer was
 * made between the two moments, so only what lies outside of them is a difference.
 */
export function clockAhead(clock: string, askedAt: number, answeredAt: number): number {
  const theirs = fromTimestamp(clock) ?? 0
  if (theirs > answeredAt) return (theirs - answeredAt) / 1000
  return theirs < askedAt ? (theirs - askedAt) / 1000 : 0
}

export function describeClock(aheadMs: number): string {
  return `at least ${Math.round(Math.abs(aheadMs))} ms ${aheadMs > 0 ? 'ahead' : 'behind'}`
}
