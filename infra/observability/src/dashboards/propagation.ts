import type { Dashboard } from './dashboard.ts'

const quantile = (share: number, histogram: string, by: string): string =>
  `histogram_quantile(${share}, sum by (${by}, le) (rate(${histogram}_bucket{node=~"$node"}[$__rate_interval])))`

export const propagation: Dashboard = {
  uid: 'propagation',
  title: 'propagation',
  rows: [
    {
      title: 'Messages',
      panels: [
        {
          title: 'Sent',
          unit: 'ops',
          queries: {
            '{{transport}} {{outcome}}':
              'sum by (transport, outcome) (rate(corro_message_sent_total{node=~"$node"}[$__rate_interval]))',
          },
        },
        {
          title: 'Acknowledgements that came',
          unit: 'ops',
          queries: {
            '{{transport}} {{outcome}}':
              'sum by (transport, outcome) (rate(corro_ack_arrived_total{node=~"$node"}[$__rate_interval]))',
          },
        },
        {
          title: 'First receipts',
          unit: 'ops',
          queries: {
            '{{node}} {{transport}}':
              'sum by (node, transport) (rate(corro_ack_receipts_total{node=~"$node"}[$__rate_interval]))',
          },
        },
        {
          title: 'Round trip',
          says: "From arming to the acknowledgement's arrival, by the origin's clock alone.",
          width: 12,
          unit: 's',
          queries: {
            '{{transport}} p50': quantile(0.5, 'corro_ack_round_trip_seconds', 'transport'),
            '{{transport}} p95': quantile(0.95, 'corro_ack_round_trip_seconds', 'transport'),
            '{{transport}} p99': quantile(0.99, 'corro_ack_round_trip_seconds', 'transport'),
          },
        },
        {
          title: 'Canary rows, p95',
          says: 'By the clock of the node that wrote them, looked for each second.',
          width: 12,
          unit: 's',
          queries: { '{{node}}': quantile(0.95, 'corro_canary_seconds', 'node') },
        },
      ],
    },
    {
      title: 'Acknowledgements on their way',
      panels: [
        { title: 'Owed', queries: { '{{node}}': 'corro_ack_owed{node=~"$node"}' } },
        {
          title: 'Attempts',
          unit: 's',
          queries: { '{{node}} p95': quantile(0.95, 'corro_ack_delivery_seconds', 'node') },
        },
        {
          title: 'How attempts ended',
          unit: 'ops',
          queries: {
            confirmed: 'sum(rate(corro_ack_sent_total{node=~"$node"}[$__rate_interval]))',
            retried: 'sum(rate(corro_ack_retries_total{node=~"$node"}[$__rate_interval]))',
            'given up':
              'sum(rate(corro_ack_failed_total{node=~"$node"}[$__rate_interval])) or vector(0)',
          },
        },
      ],
    },
    {
      title: 'Changes seen',
      panels: [
        {
          title: 'What showed them first',
          unit: 'ops',
          queries: {
            '{{table}} {{via}}':
              'sum by (table, via) (rate(corro_subscriber_changes_total{node=~"$node"}[$__rate_interval]))',
          },
        },
        {
          title: 'Since a table was followed live',
          unit: 's',
          queries: { '{{node}} {{table}}': 'corro_table_age_seconds{node=~"$node"}' },
        },
        {
          title: 'Rows found only by comparing',
          queries: {
            'caught up':
              'sum(increase(corro_subscriber_catch_up_rows_total{node=~"$node"}[5m])) or vector(0)',
            differing: 'sum(corro_subscriber_audit_differing_rows{node=~"$node"}) or vector(0)',
            'streams lost':
              'sum(increase(corro_subscriber_streams_lost_total{node=~"$node"}[5m])) or vector(0)',
          },
        },
      ],
    },
    {
      title: 'Experiments',
      panels: [
        { title: 'Running', queries: { '{{node}}': 'corro_running_shares{node=~"$node"}' } },
        {
          title: 'Senders late',
          says: 'Sent less intended, over all experiments of ten minutes.',
          unit: 's',
          queries: {
            mean: 'sum(increase(corro_share_delay_seconds_sum{node=~"$node"}[10m])) / (sum(increase(corro_share_delay_seconds_count{node=~"$node"}[10m])) > 0) or vector(0)',
          },
        },
        { title: 'Tracked', queries: { '{{node}}': 'corro_tracked_messages{node=~"$node"}' } },
      ],
    },
  ],
}
