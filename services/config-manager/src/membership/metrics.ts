import { Counter, Histogram, type Registry } from 'prom-client'

export interface CanaryMetrics {
  came(afterSeconds: number): void
}

/** How late canaries of other nodes come. A figure below zero says only that the clocks differ. */
export function createCanaryMetrics(registry: Registry): CanaryMetrics {
  const registers = [registry]
  const seconds = new Histogram({
    name: 'corro_canary_seconds',
    help: "From a canary's writing, by its node's clock, to its sight here; looked for each second",
    buckets: [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60],
    registers,
  })
  const negative = new Counter({
    name: 'corro_canary_negative_total',
    help: "Canaries that came before they were written, since their node's clock is ahead",
    registers,
  })
  return {
    came(afterSeconds) {
      if (afterSeconds < 0) negative.inc()
      else seconds.observe(afterSeconds)
    },
  }
}
