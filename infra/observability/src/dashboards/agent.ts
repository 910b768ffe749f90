import type { Dashboard } from './dashboard.ts'

export const agent: Dashboard = {
  uid: 'agent',
  title: 'agents',
  rows: [
    {
      title: 'What CorroPort sees of them',
      panels: [
        {
          title: 'Missing versions',
          queries: { '{{node}}': 'corro_agent_missing_versions{node=~"$node"}' },
        },
        {
          title: 'Processor',
          says: 'Of one core.',
          unit: 'percentunit',
          queries: { '{{node}}': 'corro_agent_cpu_ratio{node=~"$node"}' },
        },
        {
          title: 'Memory',
          unit: 'bytes',
          queries: { '{{node}}': 'corro_agent_resident_bytes{node=~"$node"}' },
        },
        {
          title: 'Database and write-ahead log',
          unit: 'bytes',
          queries: {
            '{{node}} database': 'corro_agent_database_bytes{node=~"$node"}',
            '{{node}} log': 'corro_agent_wal_bytes{node=~"$node"}',
          },
        },
        {
          title: 'Joining and taking over',
          unit: 's',
          queries: {
            '{{node}} joined in':
              'corro_join_seconds_sum{node=~"$node"} / (corro_join_seconds_count > 0)',
            'rollouts taken over': 'sum(corro_failover_seconds_count{node=~"$node"})',
          },
        },
        {
          title: 'Age of what SWIM said',
          unit: 's',
          queries: { '{{node}}': 'corro_cluster_membership_age_seconds{node=~"$node"}' },
        },
      ],
    },
    {
      title: 'What they say of themselves',
      panels: [
        {
          title: 'Versions',
          kind: 'table',
          queries: { '': 'corro_build_info{job="corrosion", node=~"$node"}' },
        },
        {
          title: 'Changes committed',
          unit: 'ops',
          queries: {
            '{{node}} {{table}} {{source}}':
              'sum by (node, table, source) (rate(corro_changes_committed{job="corrosion", node=~"$node"}[$__rate_interval]))',
          },
        },
        {
          title: 'Lag of commits, mean',
          says: 'By the clocks of their origins; wrong by as much as these are.',
          unit: 's',
          queries: {
            '{{node}}':
              'rate(corro_agent_changes_commit_lag_seconds_sum{node=~"$node"}[5m]) / (rate(corro_agent_changes_commit_lag_seconds_count{node=~"$node"}[5m]) > 0)',
          },
        },
        {
          title: 'Queues',
          queries: {
            '{{node}} to apply': 'corro_agent_changes_in_queue{job="corrosion", node=~"$node"}',
            '{{node}} to broadcast':
              'corro_broadcast_pending_count{job="corrosion", node=~"$node"}',
          },
        },
        {
          title: 'Members and connections',
          queries: {
            '{{node}} members': 'corro_gossip_members{job="corrosion", node=~"$node"}',
            '{{node}} connections': 'corro_transport_connections{job="corrosion", node=~"$node"}',
          },
        },
        {
          title: 'Files',
          unit: 'bytes',
          queries: {
            '{{node}} database': 'corro_db_size{job="corrosion", node=~"$node"}',
            '{{node}} log': 'corro_db_wal_size{job="corrosion", node=~"$node"}',
          },
        },
      ],
    },
  ],
}
