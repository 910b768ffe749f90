import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export type FailureCause = 'not-tracked' | 'refused' | 'too-old' | 'never-announced'

export interface AckMetrics {
  owed: Gauge
  receipts: Counter<'transport'>
  sent: Counter<'transport'>
  failed: Counter<'cause'>
  retries: Counter
  deliverySeconds: Histogram
}

export function createAckMetrics(registry: Registry, countOwed: () => number): AckMetrics {
  const registers = [registry]
  return {
    owed: new Gauge({
      name: 'corro_ack_owed',
      help: 'Acknowledgements that their origins have not confirmed yet.',
      registers,
      collect() {
        this.set(countOwed())
      },
    }),
    receipts: new Counter<'transport'>({
      name: 'corro_ack_receipts_total',
      help: 'Messages of other nodes that reached this node for the first time.',
      labelNames: ['transport'],
      registers,
    }),
    sent: new Counter<'transport'>({
      name: 'corro_ack_sent_total',
      help: 'Acknowledgements that their origins confirmed.',
      labelNames: ['transport'],
      registers,
    }),
    failed: new Counter<'cause'>({
      name: 'corro_ack_failed_total',
      help: 'Acknowledgements that were given up.',
      labelNames: ['cause'],
      registers,
    }),
    retries: new Counter({
      name: 'corro_ack_retries_total',
      help: 'Attempts that failed and are made again.',
      registers,
    }),
    deliverySeconds: new Histogram({
      name: 'corro_ack_delivery_seconds',
      help: 'One attempt, from signing to the answer of the origin.',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
      registers,
    }),
  }
}
