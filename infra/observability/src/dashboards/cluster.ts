import type { Dashboard } from './dashboard.ts'

export const cluster: Dashboard = {
  uid: 'cluster',
  title: 'cluster',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Services up',
          kind: 'stat',
          width: 4,
          queries: { 'of all': 'sum(up{job="corroport"}) / count(up{job="corroport"})' },
          unit: 'percentunit',
        },
        {
          title: 'Agents alive',
          says: 'The fewest that any node sees.',
          kind: 'stat',
          width: 4,
          queries: {
            alive: 'min(corro_cluster_members{plane="corrosion", state="alive"})',
            expected: 'max(corro_cluster_expected_members)',
          },
        },
        {
          title: 'Planes',
          says: '1 where every gateway finds it as it should be.',
          kind: 'stat',
          width: 8,
          unit: 'bool_on_off',
          queries: { '{{plane}}': 'min by (plane) (corro_plane_ok)' },
        },
        {
          title: 'Disagreements',
          kind: 'stat',
          width: 4,
          queries: { most: 'max(corro_cluster_disagreements)' },
        },
        {
          title: 'Alerts',
          kind: 'stat',
          width: 4,
          queries: { firing: 'count(ALERTS{alertstate="firing"}) or vector(0)' },
        },
      ],
    },
    {
      title: 'Membership',
      panels: [
        {
          title: 'Members by what SWIM and NATS say',
          width: 12,
          queries: {
            '{{node}}: {{plane}} {{state}}': 'corro_cluster_members{node=~"$node"} > 0',
          },
        },
        {
          title: 'Changes of the status',
          width: 12,
          queries: {
            '{{what}}': 'sum by (what) (increase(corro_cluster_changes_total{node=~"$node"}[5m]))',
          },
        },
        {
          title: 'Offsets of clocks',
          says: "Against analytics' clock; Corrosion bears 300 ms between two nodes.",
          width: 12,
          unit: 's',
          queries: {
            '{{node}}': 'corro_clock_offset_seconds{node=~"$node"}',
            '{{node}} may be wrong by': 'corro_clock_bound_seconds{node=~"$node"}',
          },
        },
        {
          title: 'Canaries that came before they were written',
          says: 'The clock of the node that wrote them is ahead.',
          width: 12,
          queries: {
            '{{node}}': 'increase(corro_canary_negative_total{node=~"$node"}[5m])',
          },
        },
        {
          title: 'Copies that are missing',
          width: 12,
          queries: {
            '{{dataset}}':
              'max by (dataset) (corro_replication_wanted - on (node, dataset) corro_replication_effective)',
          },
        },
      ],
    },
    {
      title: 'Processes',
      panels: [
        {
          title: 'Processor',
          says: 'Of one core.',
          unit: 'percentunit',
          queries: {
            '{{node}} {{service}}':
              'rate(process_cpu_seconds_total{job="corroport", node=~"$node|"}[$__rate_interval])',
          },
        },
        {
          title: 'Memory',
          unit: 'bytes',
          queries: {
            '{{node}} {{service}}':
              'process_resident_memory_bytes{job="corroport", node=~"$node|"}',
          },
        },
        {
          title: 'Event loop, p99',
          unit: 's',
          queries: {
            '{{node}} {{service}}':
              'nodejs_eventloop_lag_p99_seconds{job="corroport", node=~"$node|"}',
          },
        },
      ],
    },
    {
      title: 'API',
      panels: [
        {
          title: 'Requests by status',
          unit: 'ops',
          queries: {
            '{{status}}':
              'sum by (status) (rate(corro_gateway_request_seconds_count{node=~"$node"}[$__rate_interval]))',
          },
        },
        {
          title: 'Slowest routes, p95',
          unit: 's',
          queries: {
            '{{method}} {{route}}':
              'topk(10, histogram_quantile(0.95, sum by (method, route, le) (rate(corro_gateway_request_seconds_bucket{node=~"$node"}[$__rate_interval]))))',
          },
        },
        {
          title: 'Live readers and refusals',
          queries: {
            '{{node}} readers': 'corro_live_readers{node=~"$node"}',
            'refused a second':
              'sum(rate(corro_gateway_refused_total{node=~"$node"}[$__rate_interval])) or vector(0)',
            'sockets refused a second':
              'sum(rate(corro_gateway_sockets_refused_total{node=~"$node"}[$__rate_interval]))',
          },
        },
      ],
    },
  ],
}
