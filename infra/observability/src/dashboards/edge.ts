import type { Dashboard } from './dashboard.ts'

export const edge: Dashboard = {
  uid: 'edge',
  title: 'points of presence',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Open connections',
          kind: 'stat',
          width: 6,
          queries: { '{{node}}': 'edgeproxy_connections_active{node=~"$node"}' },
        },
        {
          title: 'Table is followed live',
          kind: 'stat',
          width: 6,
          unit: 'bool_on_off',
          queries: { '{{node}}': 'edgeproxy_table_live{node=~"$node"}' },
        },
        {
          title: 'Age of the table',
          kind: 'stat',
          width: 6,
          unit: 's',
          queries: { '{{node}}': 'edgeproxy_table_age_seconds{node=~"$node"}' },
        },
        {
          title: 'Clients with a backend of their own',
          kind: 'stat',
          width: 6,
          queries: { '{{node}}': 'edgeproxy_affinity_entries{node=~"$node"}' },
        },
      ],
    },
    {
      title: 'Clients',
      panels: [
        {
          title: 'New connections',
          unit: 'ops',
          queries: {
            '{{node}}': 'rate(edgeproxy_connections_total{node=~"$node"}[$__rate_interval])',
          },
        },
        {
          title: 'What decided',
          unit: 'ops',
          queries: {
            '{{by}}': 'sum by (by) (rate(edgeproxy_routed_total{node=~"$node"}[$__rate_interval]))',
          },
        },
        {
          title: 'Closed unserved',
          unit: 'ops',
          queries: {
            '{{reason}}':
              'sum by (reason) (rate(edgeproxy_refused_total{node=~"$node"}[$__rate_interval]))',
            'not accepted':
              'sum(rate(edgeproxy_accept_errors_total{node=~"$node"}[$__rate_interval]))',
          },
        },
        {
          title: 'Ended by a reset',
          unit: 'ops',
          queries: {
            '{{by}}': 'sum by (by) (rate(edgeproxy_broken_total{node=~"$node"}[$__rate_interval]))',
          },
        },
      ],
    },
    {
      title: 'Backends',
      panels: [
        {
          title: 'Rows, by what they are to each proxy',
          queries: { '{{node}} {{state}}': 'edgeproxy_backends{node=~"$node"}' },
        },
        {
          title: 'New connections',
          unit: 'ops',
          queries: {
            '{{region}} {{backend}}':
              'sum by (region, backend) (rate(edgeproxy_backend_connections_total{node=~"$node"}[$__rate_interval]))',
          },
        },
        {
          title: 'Open connections',
          queries: {
            '{{region}} {{backend}}':
              'sum by (region, backend) (edgeproxy_backend_connections_active{node=~"$node"})',
          },
        },
        {
          title: 'Failed attempts, and those that followed',
          unit: 'ops',
          queries: {
            '{{region}} {{backend}}':
              'sum by (region, backend) (rate(edgeproxy_backend_errors_total{node=~"$node"}[$__rate_interval]))',
            'tried again': 'sum(rate(edgeproxy_retries_total{node=~"$node"}[$__rate_interval]))',
          },
        },
        {
          title: 'Time to accept, p95',
          unit: 's',
          queries: {
            '{{node}}':
              'histogram_quantile(0.95, sum by (node, le) (rate(edgeproxy_backend_rtt_seconds_bucket{node=~"$node"}[$__rate_interval])))',
          },
        },
        {
          title: 'Time to accept, the last one',
          unit: 'ms',
          queries: {
            '{{node}} {{region}} {{backend}}': 'edgeproxy_backend_rtt_ms{node=~"$node"}',
          },
        },
        {
          title: 'Bytes',
          unit: 'Bps',
          queries: {
            'to {{backend}}':
              'sum by (backend) (rate(edgeproxy_bytes_sent_total{node=~"$node"}[$__rate_interval]))',
            'from {{backend}}':
              'sum by (backend) (rate(edgeproxy_bytes_received_total{node=~"$node"}[$__rate_interval]))',
          },
        },
      ],
    },
  ],
}
