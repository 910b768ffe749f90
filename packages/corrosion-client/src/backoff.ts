/** Delay before attempt `attempt` (from 0): doubles from `minMs` up to `maxMs`, the upper half random. */
export function backoffMs(
  attempt: number,
  { minMs, maxMs, random }: { minMs: number; maxMs: number; random: () => number },
): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30))
  return full * (0.5 + 0.5 * random())
}
