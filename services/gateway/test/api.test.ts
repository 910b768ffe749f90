import { once } from 'node:events'
import { IncomingMessage, request } from 'node:http'
import {
  type CorrosionAgent,
  type NatsServer,
  startCorrosionAgent,
  startNatsServer,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { configOf, detailOf, startNode } from './harness.ts'

let nats: NatsServer
let agent: CorrosionAgent
beforeAll(async () => {
  nats = await startNatsServer({ nodeIds: ['node1'] })
  agent = await startCorrosionAgent()
}, 30_000)
afterAll(async () => {
  await agent[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

const startNode1 = () => startNode(configOf({ NATS_URL: nats.url, AGENT_URL: agent.url }))

/** The status of a request with headers that `fetch` does not let through. */
async function statusOf(url: string, method: string, headers: Record<string, string>) {
  const sent = request(url, { method, headers }).end()
  const [response] = await once(sent, 'response')
  if (!(response instanceof IncomingMessage)) throw new Error('unreachable: no response')
  response.resume()
  return response.statusCode
}

test.each([
  ['localhost', 200],
  ['127.0.0.1', 200],
  ['[::1]', 200],
  ['LocalHost', 200],
  ['evil.example', 421],
  ['127.0.0.1.evil.example', 421],
])('a request for %s is answered with %i', async (name, status) => {
  await using node1 = await startNode1()
  const { port } = new URL(node1.api.url)

  expect(await statusOf(`${node1.api.url}/api/node`, 'GET', { host: `${name}:${port}` })).toBe(
    status,
  )
})

test('another port is another host', async () => {
  await using node1 = await startNode1()

  expect(await statusOf(`${node1.api.url}/api/node`, 'GET', { host: 'localhost:1' })).toBe(421)
})

test('a page of another origin changes nothing, one of this origin may', async () => {
  await using node1 = await startNode1()
  const reset = `${node1.api.url}/api/tracking/reset`

  expect(await statusOf(reset, 'POST', { origin: 'http://evil.example' })).toBe(403)
  expect(await statusOf(reset, 'POST', { origin: 'http://localhost:1' })).toBe(403)
  expect(await statusOf(reset, 'POST', { origin: 'null' })).toBe(403)
  expect(await statusOf(reset, 'POST', { origin: node1.api.url })).toBe(200)
})

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
    '/api/cluster/convergence',
    '/api/cluster/join',
    '/api/cluster/leave',
    '/api/cluster/members',
    '/api/cluster/operations',
    '/api/cluster/operations/{id}',
    '/api/cluster/remove',
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
    '/api/diagnose',
    '/api/events',
    '/api/messages',
    '/api/messages/send',
    '/api/messages/send_direct',
    '/api/messages/{pk}',
    '/api/node',
    '/api/node/restart',
    '/api/nodes',
    '/api/openapi.json',
    '/api/receptions',
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
  const config = configOf({ NATS_URL: nats.url, AGENT_URL: agent.url })
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
