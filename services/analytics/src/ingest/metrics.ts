import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export interface IngestMetrics {
  records: Counter<'stream' | 'outcome'>
  lag: Gauge<'stream'>
  batchSeconds: Histogram<'stream'>
}

export function createIngestMetrics(registry: Registry): IngestMetrics {
  const registers = [registry]
  return {
    records: new Counter({
      name: 'corro_analytics_records_total',
      help: 'Records dealt with: stored, duplicate or refused.',
      labelNames: ['stream', 'outcome'],
      registers,
    }),
    lag: new Gauge({
      name: 'corro_analytics_lag_records',
      help: 'Records of a stream behind the last one that was dealt with.',
      labelNames: ['stream'],
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'corro_analytics_batch_seconds',
      help: 'One batch, from its records to its commit.',
      labelNames: ['stream'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
  }
}
