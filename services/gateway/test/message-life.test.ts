import { type Bus, connectBus } from '@corroport/bus'
import {
  createParser,
  MessageLifeReply,
  nodeQueried,
  type Reception,
  receptionsQueried,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import {
  ackOf,
  announce,
  detailOf,
  neighboursOfFile,
  newPeer,
  type Peer,
  send,
  silent,
  startNode,
} from './harness.ts'

const neighbours = neighboursOfFile()
let node: Awaited<ReturnType<typeof startNode>>
let bus: Bus
let peer: Peer

// node2 is another process, as far as NATS tells; node3 is declared and silent.
beforeAll(async () => {
  node = await startNode(neighbours.configOf())
  bus = connectBus({ url: neighbours.nats.url, name: 'test', log: silent })
  await until(() => bus.isConnected && node.bus.isConnected)
  peer = newPeer('node2')
  await announce(bus, node.api, peer)
}, 30_000)
afterAll(async () => {
  await bus[Symbol.asyncDispose]()
  await node.disposeAsync()
})

const lifeOf = async (pk: string) => {
  const { body } = await node.api.get(`/api/messages/${encodeURIComponent(pk)}/life`)
  return createParser('life', MessageLifeReply)(body)
}

function receptionOf(pk: string): Reception {
  return {
    pk,
    node_id: 'node2',
    origin_node_id: 'node1',
    transport: 'gossip',
    via: 'updates',
    reception_count: 1,
    first_seen: '2026-01-15T10:00:00.000000Z',
    last_seen: '2026-01-15T10:00:00.000000Z',
    acknowledgement: 'confirmed',
  }
}

test('the life of a message has what each node knows of it, and who does not answer', async () => {
  const pk = await send(node.api)
  const nodeId = 'node2'
  await using _receptions = bus.respond(receptionsQueried, { nodeId }, ({ pk: asked }) => ({
    receptions: asked === pk ? [receptionOf(pk)] : [],
    total: 1,
  }))
  await using _rows = bus.respond(nodeQueried, { nodeId }, ({ params }) => ({
    table: {
      columns: ['1'],
      rows: Array.isArray(params) && params[0] === pk ? [[1]] : [],
      cut: null,
      tookMs: 1,
    },
    freshness: {
      takenAt: '2026-01-15T10:00:00.000000Z',
      actorId: null,
      neededVersions: null,
      queueSize: null,
    },
  }))
  await node.peer.post('/api/acknowledge', ackOf(peer, pk))

  const life = await until(async () => {
    await announce(bus, node.api, peer)
    const found = await lifeOf(pk)
    return found.nodes[1]?.row === 'present' && found.nodes[1].reception !== null && found
  })

  expect(life.message).toMatchObject({ pk, missing: ['node3'] })
  expect(life.message_error).toBeNull()
  expect(life.nodes).toMatchObject([
    {
      node_id: 'node1',
      is_origin: true,
      is_expected: false,
      reception: null,
      row: 'present',
      waiting_ms: null,
      error: null,
    },
    {
      node_id: 'node2',
      is_origin: false,
      is_expected: true,
      reception: { reception_count: 1 },
      row: 'present',
      round_trip_ms: expect.any(Number),
      waiting_ms: null,
      error: null,
    },
    {
      node_id: 'node3',
      is_expected: true,
      reception: null,
      row: 'unknown',
      acknowledged_at: null,
      waiting_ms: expect.any(Number),
      error: expect.stringContaining('nobody answers'),
    },
  ])
})

test('a message of an origin that is away is shown by those who have it', async () => {
  const pk = 'node2_01KB3GQ0E6T1V8R7D2M5XNCJ4A'
  await using agent = createCorrosionClient({ url: neighbours.agent.url })
  const sql = 'INSERT INTO node_messages (pk, node_id, message) VALUES (?, ?, ?)'
  await agent.transact([[sql, [pk, 'node2', 'hello']]])

  const life = await lifeOf(pk)

  expect(life.message).toBeNull()
  expect(life.message_error).toContain('node2, which sent it, does not answer')
  expect(life.nodes[0]).toMatchObject({ node_id: 'node1', row: 'present', is_origin: false })
})

test.each([
  ['node1_01KB3GQ0E6T1V8R7D2M5XNCJ4B', 404, 'no node knows a message'],
  ['nobody', 404, 'no node knows a message'],
  ['a b', 400, 'pk is malformed'],
])('the life of %s is answered with %i', async (pk, status, detail) => {
  const answer = await node.api.get(`/api/messages/${encodeURIComponent(pk)}/life`)

  expect(answer.status).toBe(status)
  expect(detailOf(answer)).toContain(detail)
})
