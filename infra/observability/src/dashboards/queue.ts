import type { Dashboard } from './dashboard.ts'

export const queue: Dashboard = {
  uid: 'queue',
  title: 'queues and records',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Dead letters',
          kind: 'stat',
          width: 6,
          queries: { letters: 'max(corro_stream_messages{stream="DEAD"})' },
        },
        {
          title: 'Events that wait for NATS',
          kind: 'stat',
          width: 6,
          queries: {
            events: 'sum(corro_subscriber_outbox_events) + sum(corro_gateway_unconfirmed_events)',
          },
        },
        {
          title: 'Records not stored yet',
          kind: 'stat',
          width: 6,
          queries: { records: 'sum(corro_analytics_lag_records)' },
        },
        {
          title: 'Routes of NATS up',
          kind: 'stat',
          width: 6,
          queries: {
            up: 'min(corro_nats_routes)',
            expected: 'max(corro_nats_expected_routes)',
          },
        },
      ],
    },
    {
      title: 'NATS',
      panels: [
        {
          title: 'Round trip',
          unit: 's',
          queries: { '{{node}}': 'corro_nats_round_trip_seconds{node=~"$node"}' },
        },
        {
          title: 'Messages in streams',
          queries: { '{{stream}}': 'max by (stream) (corro_stream_messages)' },
        },
        {
          title: 'Replicas behind',
          queries: { '{{stream}}': 'max by (stream) (corro_stream_lag_messages)' },
        },
      ],
    },
    {
      title: 'Outboxes',
      panels: [
        {
          title: 'Subscribers',
          width: 12,
          queries: { '{{node}}': 'corro_subscriber_outbox_events{node=~"$node"}' },
        },
        {
          title: 'Gateways',
          width: 12,
          queries: { '{{node}}': 'corro_gateway_unconfirmed_events{node=~"$node"}' },
        },
      ],
    },
    {
      title: 'Analytics and Postgres',
      panels: [
        {
          title: 'Records',
          unit: 'ops',
          queries: {
            '{{outcome}}':
              'sum by (outcome) (rate(corro_analytics_records_total[$__rate_interval]))',
          },
        },
        { title: 'Behind', queries: { '{{stream}}': 'corro_analytics_lag_records' } },
        {
          title: 'Batches, p95',
          unit: 's',
          queries: {
            '{{stream}}':
              'histogram_quantile(0.95, sum by (stream, le) (rate(corro_analytics_batch_seconds_bucket[$__rate_interval])))',
          },
        },
        {
          title: 'Postgres answers in',
          unit: 's',
          width: 12,
          queries: { '{{node}}': 'corro_postgres_latency_seconds{node=~"$node"}' },
        },
        {
          title: 'Waiting for a connection',
          width: 12,
          queries: { '{{node}}': 'corro_postgres_pool_waiting{node=~"$node"}' },
        },
      ],
    },
  ],
}
