import type { Dashboard } from './dashboard.ts'

// Every controller of a database says the same of it.
export const builds: Dashboard = {
  uid: 'builds',
  title: 'builds',
  rows: [
    {
      title: 'Queue',
      panels: [
        {
          title: 'Waiting',
          kind: 'stat',
          width: 6,
          queries: { waiting: 'max(corro_builds{status="pending"})' },
        },
        {
          title: 'Building',
          kind: 'stat',
          width: 6,
          queries: {
            building: 'max(sum by (instance) (corro_builds{status=~"assigned|building"}))',
          },
        },
        {
          title: 'Idle workers',
          kind: 'stat',
          width: 6,
          queries: { idle: 'max(corro_build_workers{status="idle"})' },
        },
        {
          title: 'Lost too often',
          kind: 'stat',
          width: 6,
          queries: { dead: 'max(corro_builds{status="dead"})' },
        },
        {
          title: 'Builds that are kept',
          queries: { '{{status}}': 'max by (status) (corro_builds)' },
        },
        {
          title: 'Workers',
          queries: { '{{status}}': 'max by (status) (corro_build_workers)' },
        },
      ],
    },
    {
      title: 'Controllers',
      panels: [
        {
          title: 'Claims',
          unit: 'ops',
          queries: {
            '{{outcome}}':
              'sum by (outcome) (rate(corro_builds_claim_seconds_count[$__rate_interval]))',
          },
        },
        {
          title: 'Time of a claim in the database',
          unit: 's',
          queries: {
            p50: 'histogram_quantile(0.5, sum by (le) (rate(corro_builds_claim_seconds_bucket[$__rate_interval])))',
            p99: 'histogram_quantile(0.99, sum by (le) (rate(corro_builds_claim_seconds_bucket[$__rate_interval])))',
          },
        },
        {
          title: 'Requests',
          unit: 'ops',
          queries: {
            '{{method}} {{route}} {{status}}':
              'sum by (method, route, status) (rate(corro_builds_request_seconds_count[$__rate_interval]))',
          },
        },
        {
          title: 'Time of a request, p99',
          unit: 's',
          queries: {
            '{{method}} {{route}}':
              'histogram_quantile(0.99, sum by (method, route, le) (rate(corro_builds_request_seconds_bucket[$__rate_interval])))',
          },
        },
      ],
    },
  ],
}
