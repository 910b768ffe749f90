import type { Registry } from 'prom-client'

/** Takes away what is registered from now on: figures of who led once would stand still for ever. */
export function metricsOfTerm(metrics: Registry): Disposable {
  const lasting = new Set(metrics.getMetricsAsArray().map(({ name }) => name))
  return {
    [Symbol.dispose]: () => {
      for (const { name } of metrics.getMetricsAsArray()) {
        if (!lasting.has(name)) metrics.removeSingleMetric(name)
      }
    },
  }
}
