import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { detailOf, neighboursOfFile, startNode } from './harness.ts'

const near = neighboursOfFile()

const startNode1 = () => startNode(near.configOf())

test.each(['/', '/api', '/api/node/', '/api/message?x=1'])('there is no GET %s', async (path) => {
  await using node1 = await startNode1()

  const answer = await node1.api.get(path)

  expect(answer).toMatchObject({ status: 404, body: { title: 'Not Found', status: 404 } })
  expect(detailOf(answer)).toContain(`there is no GET ${path.split('?')[0]}`)
})

test('the OpenAPI document has every route, its answers and its problems', async () => {
  await using node1 = await startNode1()

  const { body } = await node1.api.get('/api/openapi.json')

  expect(body).toMatchObject({ openapi: '3.1.0', info: { version: '0.1.0' } })
  expect(Object.keys(body.paths ?? {}).toSorted()).toEqual([
    '/api/analytics/aggregation/start',
    '/api/analytics/aggregation/status',
    '/api/analytics/aggregation/stop',
    '/api/analytics/experiments/compare',
    '/api/analytics/experiments/list',
    '/api/analytics/experiments/{id}/events',
    '/api/analytics/experiments/{id}/export',
    '/api/analytics/experiments/{id}/metrics',
    '/api/analytics/experiments/{id}/summary',
    '/api/analytics/experiments/{id}/timing',
    '/api/analytics/experiments/{id}/topology',
    '/api/analytics/health',
    '/api/analytics/ledger',
    '/api/analytics/vacuum',
    '/api/builds',
    '/api/builds/controllers',
    '/api/builds/throughput',
    '/api/builds/workers',
    '/api/builds/workers/{id}/drain',
    '/api/builds/workers/{id}/resume',
    '/api/builds/{id}',
    '/api/builds/{id}/cancel',
    '/api/builds/{id}/log',
    '/api/builds/{id}/retry',
    '/api/clocks',
    '/api/cluster/convergence',
    '/api/cluster/join',
    '/api/cluster/leave',
    '/api/cluster/members',
    '/api/cluster/members/{id}/sights',
    '/api/cluster/operations',
    '/api/cluster/operations/{id}',
    '/api/cluster/remove',
    '/api/cluster/round-trips',
    '/api/cluster/status',
    '/api/cluster/wipe',
    '/api/config',
    '/api/config/apply',
    '/api/config/plan',
    '/api/config/restore',
    '/api/config/rollback',
    '/api/config/rollouts',
    '/api/config/rollouts/{id}',
    '/api/config/rollouts/{id}/abort',
    '/api/config/rollouts/{id}/pause',
    '/api/config/rollouts/{id}/resume',
    '/api/dead',
    '/api/dead/{sequence}',
    '/api/dead/{sequence}/redrive',
    '/api/diagnose',
    '/api/edge',
    '/api/edge/backends/{id}',
    '/api/edge/{id}/backends',
    '/api/edge/{id}/decisions',
    '/api/edge/{id}/why',
    '/api/events',
    '/api/experiments',
    '/api/experiments/compare',
    '/api/experiments/import',
    '/api/experiments/{id}',
    '/api/experiments/{id}/events',
    '/api/experiments/{id}/figures',
    '/api/experiments/{id}/messages',
    '/api/experiments/{id}/pairs',
    '/api/experiments/{id}/start',
    '/api/experiments/{id}/stop',
    '/api/messages',
    '/api/messages/send',
    '/api/messages/send_direct',
    '/api/messages/{pk}',
    '/api/messages/{pk}/life',
    '/api/node',
    '/api/node/restart',
    '/api/nodes',
    '/api/nodes/{id}',
    '/api/nodes/{id}/agent',
    '/api/nodes/{id}/diagnose',
    '/api/openapi.json',
    '/api/propagation',
    '/api/query',
    '/api/query/relations',
    '/api/receptions',
    '/api/records',
    '/api/session',
    '/api/tokens',
    '/api/tracking/reset',
    '/health',
    '/health/live',
    '/health/ready',
    '/health/startup',
  ])
  expect(body.paths).toMatchObject({
    '/api/messages/send': {
      post: {
        requestBody: { content: { 'application/json': { schema: { required: ['content'] } } } },
        responses: {
          '200': { content: { 'application/json': {} } },
          '4XX': { content: { 'application/problem+json': {} } },
          '5XX': { content: { 'application/problem+json': {} } },
        },
      },
    },
    '/api/messages': {
      get: {
        parameters: expect.arrayContaining([
          expect.objectContaining({ name: 'limit', in: 'query' }),
        ]),
      },
    },
    '/api/messages/{pk}': { get: { parameters: [{ name: 'pk', in: 'path', required: true }] } },
  })
})

test('the node is ready when its agent answers, and not while it is stopping', async () => {
  await using node1 = await startNode1()
  await until(async () => (await node1.api.get('/health/ready')).status === 200)

  node1.health.startStopping()

  expect(await node1.api.get('/health/ready')).toMatchObject({
    status: 503,
    body: { status: 'unavailable' },
  })
  expect(await node1.api.get('/health')).toMatchObject({ status: 503, body: { status: 'error' } })
  expect((await node1.api.get('/health/live')).status).toBe(200)
  expect((await node1.api.get('/health/startup')).status).toBe(200)
})

test('the status tells what the monitoring of NATS says, where it is configured', async () => {
  await using node1 = await startNode(near.configOf({ NATS_MONITOR_URL: near.nats.monitorUrl }))

  const planes = await until(async () => {
    const { body } = await node1.api.get('/api/cluster/status')
    return JSON.stringify(body.planes).includes('"routes":{') && body.planes
  })

  expect(planes).toMatchObject({ nats: { routes: { expected: 0, up: 0 } } })
})

test('requests, messages and acknowledgements are measured', async () => {
  await using node1 = await startNode1()
  await node1.api.post('/api/messages/send', { content: 'hi' })
  await node1.peer.post('/api/acknowledge', {})

  const text = await node1.metrics.metrics()

  expect(text).toContain('corro_message_sent_total{transport="gossip",outcome="accepted"} 1')
  expect(text).toContain('corro_tracked_messages 1')
  expect(text).toMatch(
    /corro_gateway_request_seconds_count\{.*route="\/api\/acknowledge".*status="400"\} 1/,
  )
})

test('a second gateway on the same state folder refuses to start', async () => {
  const config = near.configOf()
  await using node1 = await startNode(config)

  await expect(startNode(config)).rejects.toThrow('is this node running already?')
  expect((await node1.api.get('/health/live')).status).toBe(200)
})

test('a stop answers what is under way', async () => {
  const node1 = await startNode1()
  const sending = Array.from({ length: 20 }, () =>
    node1.api.post('/api/messages/send', { content: 'hi' }),
  )
  await until(async () => (await node1.metrics.metrics()).includes('corro_tracked_messages 20'))

  await node1.disposeAsync()

  const answers = await Promise.allSettled(sending)
  expect(answers.filter(({ status }) => status === 'fulfilled').length).toBe(20)
})
