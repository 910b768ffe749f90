import { Counter, Gauge, type Registry } from 'prom-client'

export interface SubscriberMetrics {
  outboxEvents: Gauge
  changes: Counter<'table' | 'via'>
  lost: Counter<'table'>
  caughtUp: Counter<'table'>
  auditDiffering: Gauge<'table'>
  untold: Counter<'table'>
}

export function createSubscriberMetrics(
  registry: Registry,
  unconfirmed: () => number,
): SubscriberMetrics {
  const registers = [registry]
  return {
    outboxEvents: new Gauge({
      name: 'corro_subscriber_outbox_events',
      help: 'Events that NATS has not confirmed yet.',
      registers,
      collect() {
        this.set(unconfirmed())
      },
    }),
    changes: new Counter({
      name: 'corro_subscriber_changes_total',
      help: 'Row states told, by what showed them first.',
      labelNames: ['table', 'via'],
      registers,
    }),
    lost: new Counter({
      name: 'corro_subscriber_streams_lost_total',
      help: 'Times the streams of a table ended or the agent stopped answering.',
      labelNames: ['table'],
      registers,
    }),
    caughtUp: new Counter({
      name: 'corro_subscriber_catch_up_rows_total',
      help: 'Rows that only a comparison with the table found.',
      labelNames: ['table'],
      registers,
    }),
    auditDiffering: new Gauge({
      name: 'corro_subscriber_audit_differing_rows',
      help: 'Rows that differed from the table in the last audit.',
      labelNames: ['table'],
      registers,
    }),
    untold: new Counter({
      name: 'corro_subscriber_untold_rows_total',
      help: 'Rows whose key is too large for an event.',
      labelNames: ['table'],
      registers,
    }),
  }
}
