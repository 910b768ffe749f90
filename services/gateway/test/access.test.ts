import { once } from 'node:events'
import { IncomingMessage, request } from 'node:http'
import { onceConnected } from '@corroport/bus'
import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { collectRoutes } from './access-harness.ts'
import { neighboursOfFile, startNode } from './harness.ts'

const near = neighboursOfFile()

const startNode1 = () => startNode(near.configOf())

/** The status of a request with headers that `fetch` does not let through. */
async function statusOf(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: object,
) {
  const type = body && { 'content-type': 'application/json' }
  const sent = request(url, { method, headers: { ...type, ...headers } })
  sent.end(body && JSON.stringify(body))
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

test('a port that is published on this machine has all of its names', async () => {
  await using node1 = await startNode(near.configOf({ PUBLIC_URL: 'http://localhost:4001' }))
  const ask = async (host: string) => await statusOf(`${node1.api.url}/api/node`, 'GET', { host })

  expect(await ask('localhost:4001')).toBe(200)
  expect(await ask('127.0.0.1:4001')).toBe(200)
  expect(await ask('localhost:4002')).toBe(421)
  expect(await ask('console.example.com:4001')).toBe(421)
})

const planId = 'node1_01KF0HNNTV9V8R7D2M5XNCJ4AT'

/** Every route that changes something, a body that it takes, and the command that it asks. */
const changes: Record<string, { method?: string; body?: object; asks?: string }> = {
  '/api/analytics/aggregation/start': {
    body: { experiment_id: 'e1' },
    asks: 'analytics.create',
  },
  '/api/analytics/aggregation/stop': {
    body: { experiment_id: 'e1' },
    asks: 'analytics.stop',
  },
  '/api/cluster/join': { body: { seeds: ['10.0.0.2:8787'] }, asks: 'config-manager.join' },
  '/api/cluster/leave': { body: { confirm: 'node1' }, asks: 'config-manager.leave' },
  '/api/cluster/remove': {
    body: { node_id: 'node2', confirm: 'node2' },
    asks: 'config-manager.remove',
  },
  '/api/cluster/wipe': { body: { confirm: 'node1' }, asks: 'config-manager.wipe' },
  '/api/config/apply': { body: { plan_id: planId, confirm: planId }, asks: 'config-manager.apply' },
  '/api/config/plan': {
    body: { bootstrap: ['10.0.0.2:8787'], nodes: 'all' },
    asks: 'config-manager.plan',
  },
  '/api/config/restore': { asks: 'config-manager.restore' },
  '/api/config/rollback': { asks: 'config-manager.rollback' },
  '/api/config/rollouts/:id/abort': { asks: 'config-manager.steer' },
  '/api/config/rollouts/:id/pause': { asks: 'config-manager.steer' },
  '/api/config/rollouts/:id/resume': { asks: 'config-manager.steer' },
  '/api/analytics/vacuum': { asks: 'analytics.vacuum' },
  '/api/experiments': { body: { name: 'a' }, asks: 'analytics.create' },
  '/api/experiments/import': {
    body: { import_id: planId.slice(6), page: 0, is_last: false, events: [] },
    asks: 'analytics.import',
  },
  '/api/experiments/:id': { method: 'DELETE', asks: 'analytics.delete' },
  '/api/experiments/:id/start': { asks: 'analytics.start' },
  '/api/experiments/:id/stop': { asks: 'analytics.stop' },
  '/api/messages/send': { body: { content: 'hi' } },
  '/api/messages/send_direct': { body: { content: 'hi' } },
  '/api/node/restart': { asks: 'config-manager.restart' },
  '/api/tracking/reset': {},
}

test('a foreign page changes nothing: no route takes its origin, or the name it was rebound to', async () => {
  using found = collectRoutes()
  await using node1 = await startNode1()
  const heard: string[] = []
  await onceConnected(node1.bus, async ({ nats }) => {
    for (const service of ['config-manager', 'analytics']) {
      nats.subscribe(`corro.command.${service}.>`, {
        callback: (_error, message) => {
          heard.push(message.subject)
          message.respond('{}')
        },
      })
    }
  })
  const { host, port } = new URL(node1.api.url)
  const change = (path: string, headers: Record<string, string>, unsafe = 'POST') => {
    const { method = unsafe, body } = changes[path] ?? {}
    return statusOf(node1.api.url + path.replaceAll(/:\w+/g, planId), method, headers, body)
  }
  const unsafe = found.routes.filter(({ method }) => method !== 'GET' && method !== 'HEAD')
  expect(unsafe.map(({ url }) => url)).toEqual(expect.arrayContaining(Object.keys(changes)))
  for (const { method, url: path } of unsafe) {
    const foreign = {
      'a page': await change(path, { origin: 'http://evil.example' }, method),
      'a page of another port': await change(path, { origin: 'http://localhost:1' }, method),
      'a sandboxed page': await change(path, { origin: 'null' }, method),
      'a page that hides its origin': await change(path, { 'sec-fetch-site': 'same-site' }, method),
      'a rebound name': await change(path, { host: `evil.example:${port}` }, method),
      'a rebound name of its page': await change(
        path,
        {
          host: `evil.example:${port}`,
          origin: `http://evil.example:${port}`,
        },
        method,
      ),
    }
    expect({ path, ...foreign }).toEqual({
      path,
      'a page': 403,
      'a page of another port': 403,
      'a sandboxed page': 403,
      'a page that hides its origin': 403,
      'a rebound name': 421,
      'a rebound name of its page': 421,
    })
  }
  expect((await node1.api.get('/api/node')).body).toMatchObject({ tracked_messages: 0 })

  // What was refused would have come before these.
  const origin = `http://${host}`
  for (const path of Object.keys(changes)) await change(path, { origin })
  const asked = Object.values(changes).flatMap(({ asks }) => asks ?? [])
  const subjects = asked.map((command) =>
    command.startsWith('analytics') ? `corro.command.${command}` : `corro.command.${command}.node1`,
  )
  await until(() => heard.length >= subjects.length)
  expect(heard).toEqual(subjects)
})
