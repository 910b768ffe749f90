import { experimentCreated } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { experimentRoutesOfFile } from './served-experiments.ts'

const { routes, asked } = experimentRoutesOfFile()

test('the original export has its own shape, with the times and the transport it left out', async () => {
  const answered = await routes.get('/api/analytics/experiments/gossip-baseline/export')

  expect(answered.headers['content-disposition']).toBe(
    'attachment; filename="experiment_gossip-baseline.json"',
  )
  const body = answered.json()
  expect(body).toMatchObject({
    metadata: { node_id: 'node1', region: 'fra' },
    experiment: { id: 'gossip-baseline', success_rate: 100, transport: 'both', interval_ms: 100 },
    topology: { node_count: 1, region_count: 1 },
    performance: {
      latency: { min_ms: 3.128, sample_count: 380 },
      latency_histogram: { total_count: 380 },
      message_flows: [{ messages_sent: 1, total_acks_received: 1, avg_acks_per_message: 1 }],
      transport: 'gossip',
      by_transport: { gossip: { rtt_time_series: [{ node_id: 'node2' }] } },
    },
    system_metrics: [{ node_id: 'node1', timestamp: expect.any(String) }],
  })
  expect(body.raw_events).toMatchObject([
    { event_type: 'sent', target_node: null, receipt_timestamp: null },
    { event_type: 'acked', target_node: 'node2', receipt_timestamp: expect.any(String) },
  ])
  const less = await routes.get(
    '/api/analytics/experiments/gossip-baseline/export?include_raw_events=false&include_system_metrics=false',
  )
  expect(less.json()).toMatchObject({ raw_events: [], system_metrics: [] })
})

test('exports and comparisons are CSV where that is asked', async () => {
  const one = await routes.get('/api/analytics/experiments/e1/export?format=csv')
  const rows = await routes.get('/api/analytics/experiments/compare?ids=e1,%20e2&format=csv')

  expect(one.headers['content-type']).toBe('text/csv; charset=utf-8')
  expect(one.body).toContain('section,experiment\r\nid,gossip-baseline\r\n')
  expect(one.body).toContain('median_ms,5.214\r\n')
  expect(rows.body.split('\r\n')).toHaveLength(4)
})

const ofExperiment = 'experiment_id node_id timestamp count'

test.each([
  ['health', 'status node_id region database timestamp'],
  ['experiments/list', 'status experiments count timestamp'],
  [
    'experiments/list',
    'experiment_id message_count send_count ack_count time_range',
    'experiments',
  ],
  [
    'experiments/compare?ids=e1',
    'experiment_id started_at duration_seconds node_count message_count ack_count success_rate avg_latency_ms p95_latency_ms',
    'experiments',
  ],
  ['experiments/compare?ids=e1', 'metadata experiment_count'],
  [
    'experiments/e1/summary',
    'experiment_id topology_snapshots_count message_count send_count ack_count system_metrics_count node_id timestamp',
  ],
  ['experiments/e1/timing', ofExperiment],
  [
    'experiments/e1/timing',
    'message_id send_time ack_count min_latency_ms max_latency_ms avg_latency_ms',
    'timing_stats',
  ],
  ['experiments/e1/metrics', ofExperiment],
  [
    'experiments/e1/metrics',
    'id experiment_id node_id cpu_percent memory_mb erlang_processes corrosion_connections message_queue_length inserted_at',
    'system_metrics',
  ],
  ['experiments/e1/events', ofExperiment],
  [
    'experiments/e1/events',
    'id message_id experiment_id originating_node target_node event_type event_timestamp receipt_timestamp region transaction_size_hint inserted_at',
    'message_events',
  ],
  ['experiments/e1/topology', ofExperiment],
  [
    'experiments/e1/topology',
    'id experiment_id node_id bootstrap_peers transaction_size_bytes transaction_frequency_ms inserted_at updated_at',
    'topology_snapshots',
  ],
  ['experiments/e1/export', 'metadata experiment topology performance system_metrics raw_events'],
  [
    'experiments/e1/export',
    'message_id originating_node target_node event_type event_timestamp region transaction_size_hint',
    'raw_events',
  ],
  ['aggregation/status', 'status active_nodes node_count local_node_id timestamp'],
  ['aggregation/status', 'node_id region phoenix_port is_local', 'active_nodes'],
])('GET /api/analytics/%s has the fields of the original: %s', async (path, fields, list = '') => {
  const answered = (await routes.get(`/api/analytics/${path}`)).json()

  const [first] = list === '' ? [answered] : answered[list]
  expect(Object.keys(first)).toEqual(expect.arrayContaining(fields.split(' ')))
})

test('the other routes of the original have our figures', async () => {
  const get = async (path: string) => (await routes.get(`/api/analytics/${path}`)).json()

  expect(await get('experiments/list')).toMatchObject({
    status: 'success',
    count: 1,
    experiments: [{ experiment_id: 'gossip-baseline', message_count: 1200, send_count: 400 }],
  })
  expect(await get('experiments/e1/summary')).toMatchObject({
    experiment_id: 'e1',
    topology_snapshots_count: 1,
    message_count: 1200,
    ack_count: 800,
  })
  expect(await get('experiments/e1/timing')).toMatchObject({ timing_stats: expect.any(Array) })
  expect(await get('experiments/e1/metrics')).toMatchObject({ count: 1 })
  expect(await get('experiments/e1/events')).toMatchObject({ count: 1, next: '1' })
  expect(await get('experiments/e1/topology')).toMatchObject({
    topology_snapshots: [{ node_id: 'node1', transaction_size_bytes: 64 }],
  })
  expect(await get('aggregation/status')).toMatchObject({
    active_nodes: [{ node_id: 'node2', region: 'iad', phoenix_port: 4002, is_local: false }],
    node_count: 1,
  })
  const started = await routes.post('/api/analytics/aggregation/start', { experiment_id: 'e1' })
  expect(started.json()).toMatchObject({ status: 'success', result: 'ok', experiment_id: 'e1' })
  const creation = asked.findLast(({ command }) => command === experimentCreated.template)
  expect(creation?.request).toMatchObject({ plan: { count: 0, transports: ['gossip'] } })
  const busy = await routes.post('/api/analytics/aggregation/start', { experiment_id: 'second' })
  expect(busy.json().detail).toBe('node1 does not send for second: what node1 sends belongs to e1')
  expect(busy.statusCode).toBe(409)
  const idle = await routes.post('/api/analytics/aggregation/stop')
  expect(idle.json()).toMatchObject({ result: 'ok', experiment_id: null })
})
