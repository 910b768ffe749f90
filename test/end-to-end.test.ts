// One message through everything: the first thing to read.
import { connectBus, readStream } from '@corroport/bus'
import { fromTimestamp } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { type Cluster, startCluster } from '@corroport/local'
import { countRecords, createTemporaryFolder, findMiscounts, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import pino from 'pino'
import { getJson, postJson } from './http.ts'

jest.setTimeout(60_000)

const log = pino({ level: 'silent' })
const nodeIds = ['node1', 'node2', 'node3']
const home = createTemporaryFolder()
let cluster: Cluster

beforeAll(async () => {
  cluster = await startCluster({ home: home.path, portOffset: 'free', environment: process.env })
  await cluster.ready()
})

afterAll(async () => {
  await cluster.kill()
  home[Symbol.dispose]()
})

interface Sent {
  message: { pk: string; expected: string[] }
}
interface Detail {
  status: string
  acks: { node_id: string; round_trip_ms: number; via: string }[]
  missing: string[]
}

const detail = (pk: string, node = 1): Promise<Detail> =>
  getJson(`${cluster.node(node).apiUrl}/api/messages/${encodeURIComponent(pk)}`)

test('a message sent at one node is seen and acknowledged by the two others', async () => {
  const sent = await postJson<Sent>(`${cluster.node(1).apiUrl}/api/messages/send`, {
    content: 'it\'s a "test"\n😀 ; DROP TABLE node_messages; --',
  })

  const { pk, expected } = sent.message
  expect(expected).toEqual(['node2', 'node3'])
  const known = await until(async () => {
    const found = await detail(pk)
    return found.missing.length === 0 && found
  })
  expect(known.status).toBe('accepted')
  expect(known.acks.map(({ node_id }) => node_id).toSorted()).toEqual(['node2', 'node3'])
  for (const { round_trip_ms } of known.acks) expect(round_trip_ms).toBeGreaterThan(0)
  // Any node can be asked; the row is the same everywhere.
  expect((await detail(pk, 3)).acks).toHaveLength(2)
  for (const node of cluster.nodes) {
    await using client = createCorrosionClient({ url: node.agentUrl })
    const { rows } = await client.query(['SELECT message FROM node_messages WHERE pk = ?', [pk]])
    expect(rows).toEqual([['it\'s a "test"\n😀 ; DROP TABLE node_messages; --']])
  }
  await using bus = connectBus({ url: cluster.shape.natsUrl, name: 'test', log })
  const message = { messageId: pk, originNodeId: 'node1' }
  await until(async () => findMiscounts(await countRecords(bus), [message], nodeIds).length === 0)
})

test('the trace of a message crosses Corrosion', async () => {
  const { message } = await postJson<Sent>(`${cluster.node(1).apiUrl}/api/messages/send`, {
    content: 'traced',
  })
  await until(async () => (await detail(message.pk)).missing.length === 0)

  await using client = createCorrosionClient({ url: cluster.node(2).agentUrl })
  const { rows } = await client.query([
    'SELECT traceparent FROM node_messages WHERE pk = ?',
    [message.pk],
  ])
  expect(String(rows[0]?.[0])).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)
})

test('a message over NATS alone is acknowledged by both others', async () => {
  const { message } = await postJson<Sent>(`${cluster.node(2).apiUrl}/api/messages/send_direct`, {
    content: 'direct',
  })

  const known = await until(async () => {
    const found = await detail(message.pk, 2)
    return found.missing.length === 0 && found
  })
  expect(new Set(known.acks.map(({ via }) => via))).toEqual(new Set(['direct']))
})

test('a row with a hostile endpoint is told, and nobody contacts that endpoint', async () => {
  const { createServer } = await import('node:http')
  const { once } = await import('node:events')
  let contacts = 0
  const hostile = createServer((_, response) => {
    contacts += 1
    response.end()
  }).listen(0, '127.0.0.1')
  await once(hostile, 'listening')
  const address = hostile.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await using client = createCorrosionClient({ url: cluster.node(1).agentUrl })
  const pk = 'node1_hostile'

  await client.transact([
    [
      'INSERT INTO node_messages (pk, node_id, message, originating_endpoint) VALUES (?, ?, ?, ?)',
      [pk, 'node1', 'x', `127.0.0.1:${port}`],
    ],
  ])

  await using bus = connectBus({ url: cluster.shape.natsUrl, name: 'test', log })
  const told = await until(async () => {
    const records = await readStream(bus, 'RECORDS')
    const about = records.filter(({ text }) => text.includes(pk)).map(({ subject }) => subject)
    // The origin never sent it, so it refuses the acknowledgements for good.
    return about.filter((subject) => subject.startsWith('corro.ack.failed')).length === 2 && about
  })
  expect(told.toSorted()).toEqual([
    'corro.ack.failed.node2',
    'corro.ack.failed.node3',
    'corro.message.received.node2',
    'corro.message.received.node3',
    'corro.message.suspected.node2',
    'corro.message.suspected.node3',
  ])
  expect(contacts).toBe(0)
  hostile.close()
})

test('a corrupt record is set aside, and the next message is not disturbed', async () => {
  const { connect } = await import('@nats-io/transport-node')
  const nats = await connect({ servers: cluster.shape.natsUrl })
  nats.publish('corro.change.observed.node2', '{"nodeId":"node2","table":')
  nats.publish('corro.hint.node.node9', 'not json')
  await nats.flush()
  await nats.close()

  const { message } = await postJson<Sent>(`${cluster.node(1).apiUrl}/api/messages/send`, {
    content: 'after',
  })

  await until(async () => (await detail(message.pk)).missing.length === 0)
  await using bus = connectBus({ url: cluster.shape.natsUrl, name: 'test', log })
  const letters = await until(async () => {
    const dead = await readStream(bus, 'DEAD')
    return dead.length > 0 && dead
  })
  expect(letters.map(({ subject }) => subject)).toEqual(['corro.dead.ack-sender'])
})

test('a second process with the node id is turned away, and the first goes on', async () => {
  using otherHome = createTemporaryFolder()
  const node2 = cluster.node(2)
  const { spawn } = await import('node:child_process')
  const { once } = await import('node:events')
  const { freePort } = await import('@corroport/testing')
  const port = async () => String(await freePort())
  const [api, peer, metrics] = [await port(), await port(), await port()]
  const second = spawn(process.execPath, ['infra/local/src/node/main.ts'], {
    env: {
      ...process.env,
      NODE_ID: 'node2',
      NATS_URL: cluster.shape.natsUrl,
      AGENT_URL: node2.agentUrl,
      AGENT_CONFIG: node2.configPath,
      STATE_DIR: otherHome.path,
      API_PORT: api,
      PEER_PORT: peer,
      API_ENDPOINT: `127.0.0.1:${api}`,
      PEER_ENDPOINT: `127.0.0.1:${peer}`,
      METRICS_PORT: metrics,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  second.stdout.on('data', (chunk) => {
    output += String(chunk)
  })

  const [code] = await once(second, 'exit')

  expect(code).toBe(1)
  expect(output).toMatch(/node2\.[a-z-]+ is in use by /)
  const { message } = await postJson<Sent>(`${cluster.node(2).apiUrl}/api/messages/send`, {
    content: 'still here',
  })
  await until(async () => (await detail(message.pk, 2)).missing.length === 0)
})

test('times are this machine’s, in microseconds', async () => {
  const { message } = await postJson<{ message: { pk: string; timestamp: string } }>(
    `${cluster.node(1).apiUrl}/api/messages/send`,
    { content: 'time' },
  )

  const sentAt = fromTimestamp(message.timestamp) ?? 0
  expect(Math.abs(sentAt / 1000 - Date.now())).toBeLessThan(5000)
})
