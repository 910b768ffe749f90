import type { SecondSight } from '@corroport/corrosion-client'

export interface LagSummary {
  count: number
  p50: number
  p95: number
}

/** Milliseconds from a state's sight on the updates feed to its sight on the subscription. */
export interface FlushLag {
  add(seconds: readonly SecondSight[]): void
  /** Nearest rank over what was added since the last call. Null when that is nothing. */
  take(): LagSummary | null
}

// Bounds the memory between two audits; a percentile of so many is as good.
const maxSamples = 10_000

export function createFlushLag(): FlushLag {
  let samples: number[] = []
  return {
    add(seconds) {
      for (const { updatesSeenAt, subscriptionSeenAt } of seconds) {
        if (samples.length < maxSamples) samples.push((subscriptionSeenAt - updatesSeenAt) / 1000)
      }
    },
    take() {
      const sorted = samples.toSorted((a, b) => a - b)
      samples = []
      if (sorted.length === 0) return null
      return { count: sorted.length, p50: rank(sorted, 0.5), p95: rank(sorted, 0.95) }
    },
  }
}

function rank(sorted: readonly number[], share: number): number {
  // The rank is between 1 and the length, so there is an element.
  return sorted[Math.ceil(share * sorted.length) - 1]!
}
