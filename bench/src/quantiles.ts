/** Nearest rank over milliseconds: the smallest sample that at least `share` of all do not exceed. */
export function quantile(sorted: readonly number[], share: number): number {
  const sample = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
  if (sample === undefined) throw new Error('there are no samples')
  return sample
}

export interface Distribution {
  n: number
  p50: number
  p95: number
  p99: number
  max: number
}

export function describe(samples: readonly number[]): Distribution {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (share: number): number => Math.round(quantile(sorted, share) * 1000) / 1000
  return { n: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}
