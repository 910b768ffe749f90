import {
  createParser,
  MessageDetailReply,
  MessagesReply,
  NodeReply,
  NodesReply,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { beforeEach, expect, test } from '@jest/globals'
import {
  announce,
  type Caller,
  detailOf,
  neighboursOfFile,
  newPeer,
  send,
  startNode,
} from './harness.ts'

const near = neighboursOfFile()

type Cell = string | number | bigint | Uint8Array

const insert =
  'INSERT INTO node_messages (pk, node_id, message, sequence, timestamp, region) VALUES (?, ?, ?, ?, ?, ?)'

/** Writes rows as anyone with access to the database could. */
async function write(...rows: Cell[][]): Promise<void> {
  await using client = createCorrosionClient({ url: near.agent.url })
  await client.transact(rows.map((cells) => [insert, cells]))
}

function row(
  pk: Cell,
  sequence: Cell,
  change: { node?: string; region?: string; text?: string } = {},
) {
  const { node = 'node1', region = 'iad', text = 'hello' } = change
  return [pk, node, text, sequence, '2026-01-15T10:00:00Z', region]
}

beforeEach(async () => {
  await using client = createCorrosionClient({ url: near.agent.url })
  await client.transact(['DELETE FROM node_messages'])
})

// The rows of these tests are from 1970.
const longRetention = { MESSAGE_RETENTION_HOURS: '1000000' }

const startNode1 = (variables: Record<string, string> = {}) =>
  startNode(near.configOf({ ...longRetention, ...variables }))

const parsePage = createParser('page', MessagesReply)

async function keysOf(api: Caller, query: string) {
  const page = parsePage((await api.get(`/api/messages${query}`)).body)
  return { keys: page.messages.map(({ pk }) => pk), next: page.next }
}

test('messages come newest first, page after page, each once', async () => {
  await using node1 = await startNode1()
  // Four of them in one millisecond, one beyond what JSON can count to.
  await write(row('a', 1), row('b', 2), row('c', 2), row('d', 2), row('e', 2), row('f', 2n ** 60n))

  const first = await keysOf(node1.api, '?limit=2')
  const second = await keysOf(node1.api, `?limit=2&before=${first.next}`)
  await write(row('g', 3))
  const third = await keysOf(node1.api, `?limit=2&before=${second.next}`)

  expect([first.keys, second.keys, third.keys]).toEqual([
    ['f', 'e'],
    ['d', 'c'],
    ['b', 'a'],
  ])
  expect(third.next).toBeNull()
})

test('messages are found by node, by region, since a time and until one', async () => {
  await using node1 = await startNode1()
  await write(
    row('a', 1_000_000, { region: 'fra' }),
    row('b', 2_000_000, { node: 'node2' }),
    row('c', 3_000_000, { node: 'node2', region: 'fra' }),
  )

  expect((await keysOf(node1.api, '?node=node2')).keys).toEqual(['c', 'b'])
  expect((await keysOf(node1.api, '?region=fra')).keys).toEqual(['c', 'a'])
  expect((await keysOf(node1.api, '?since=1970-01-01T00:33:20Z')).keys).toEqual(['c', 'b'])
  expect((await keysOf(node1.api, '?until=1970-01-01T00:33:20Z')).keys).toEqual(['a'])
  expect((await keysOf(node1.api, '?until=1970-01-01T00:33:20.000001Z')).keys).toEqual(['b', 'a'])
  expect(
    (await keysOf(node1.api, '?node=node2&region=fra&since=1970-01-01T00:33:20.000001Z')).keys,
  ).toEqual(['c'])
})

test('rows that have no place in the order do not disturb the paging', async () => {
  await using node1 = await startNode1()
  await write(row('a', 1), row('b', 'text'), row('c', 1.5), row('d', 2))

  const first = await keysOf(node1.api, '?limit=1')

  expect(first.keys).toEqual(['d'])
  expect((await keysOf(node1.api, `?limit=10&before=${first.next}`)).keys).toEqual(['a'])
})

test('a page of large messages ends early and goes on', async () => {
  await using node1 = await startNode1()
  const text = 'x'.repeat(1024 * 1024)
  for (let index = 0; index < 10; index += 1) await write(row(`m${index}`, index, { text }))

  const first = await keysOf(node1.api, '')
  const second = await keysOf(node1.api, `?before=${first.next}`)

  expect(first.keys.length).toBeLessThan(10)
  expect([...first.keys, ...second.keys]).toHaveLength(10)
}, 15_000)

test.each([
  ['?limit=0', 400, 'limit must be from 1 to 1000'],
  ['?limit=1001', 400, 'limit must be from 1 to 1000'],
  ['?limit=abc', 400, 'limit must be a whole number'],
  ['?since=yesterday', 400, 'since is malformed'],
  ['?since=2026-02-31T25:00:00Z', 400, 'since is a time that does not exist'],
  ['?until=2026-02-31T25:00:00Z', 400, 'until is a time that does not exist'],
  ['?since=2026-01-02T00:00:00Z&until=2026-01-02T00:00:00Z', 400, 'since is not before until'],
  ['?before=abc', 400, 'before is not'],
  ['?form=1', 400, 'form is not known'],
  ['?node=a.b', 400, 'node is malformed'],
  ['?node=node9', 404, 'known are node1, node2, node3'],
])('/api/messages%s is refused', async (query, status, detail) => {
  await using node1 = await startNode1()

  const answer = await node1.api.get(`/api/messages${query}`)

  expect(answer.status).toBe(status)
  expect(detailOf(answer)).toContain(detail)
})

test('a message of another node is asked from its gateway', async () => {
  await using node1 = await startNode1()
  await using node2 = await startNode1({ NODE_ID: 'node2' })
  const pk = await send(node2.api)

  const answer = await node1.api.get(`/api/messages/${pk}`)
  const unknown = await node1.api.get('/api/messages/node2_X')

  expect(createParser('detail', MessageDetailReply)(answer.body)).toMatchObject({
    pk,
    node_id: 'node2',
    status: 'accepted',
    missing: ['node1', 'node3'],
  })
  expect(unknown.status).toBe(404)
})

test('a message is not found when no node tracks it, and not known while its node is silent', async () => {
  await using node1 = await startNode1()

  const statuses = await Promise.all(
    ['node1_X', 'node9_X', 'X', '_', 'node2_X'].map(
      async (pk) => (await node1.api.get(`/api/messages/${pk}`)).status,
    ),
  )

  expect(statuses).toEqual([404, 404, 404, 404, 503])
})

test('a node says how it does, and which nodes it knows', async () => {
  await using node1 = await startNode1()
  await announce(node1.bus, node1.api, newPeer('node2'))

  const node = createParser('node', NodeReply)((await node1.api.get('/api/node')).body)
  const { nodes } = createParser('nodes', NodesReply)((await node1.api.get('/api/nodes')).body)

  expect(node).toMatchObject({
    agent: { state: 'ready', actor_id: expect.stringMatching(/^[0-9a-f]{32}$/) },
    subscriptions: null,
  })
  expect(nodes).toMatchObject([
    { node_id: 'node1', is_local: true, presence: 'unheard' },
    { node_id: 'node2', is_declared: true, presence: 'present', region: 'iad' },
    { node_id: 'node3', is_declared: true, presence: 'unheard', age_ms: null },
  ])
})

test('with the agent and NATS away every page answers within two seconds', async () => {
  await using node1 = await startNode1({
    AGENT_URL: 'http://127.0.0.1:9',
    NATS_URL: 'nats://127.0.0.1:9',
  })
  const start = performance.now()

  const paths = ['/api/messages', '/api/messages/node2_X', '/api/receptions']
  const away = await Promise.all(paths.map((path) => node1.api.get(path)))
  const there = await Promise.all(
    ['/api/node', '/api/nodes', '/api/diagnose', '/health/live'].map((path) => node1.api.get(path)),
  )

  expect(performance.now() - start).toBeLessThan(2000)
  expect(away.map(({ status }) => status)).toEqual([503, 503, 503])
  expect(there.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect((await node1.api.get('/health/ready')).status).toBe(503)
})

test('old messages of this node are deleted, young ones and those of others are not', async () => {
  const now = Date.now()
  const hour = 3_600_000
  await write(
    row('young', now - hour),
    row('of another node', now - 30 * hour, { node: 'node2' }),
    ...Array.from({ length: 450 }, (_, index) => row(`old${index}`, now - 25 * hour - index)),
  )
  await using node1 = await startNode1({ MESSAGE_RETENTION_HOURS: '24' })

  let keys: string[]
  do keys = (await keysOf(node1.api, '?limit=1000')).keys
  while (keys.length > 2)

  expect(keys).toEqual(['young', 'of another node'])
}, 15_000)
