import { ackReceived } from '@corroport/contracts'
import { startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import {
  ackOf,
  announce,
  detailOf,
  neighboursOfFile,
  newPeer,
  send,
  startNode,
  told,
} from './harness.ts'

const near = neighboursOfFile()

const node2 = newPeer('node2')
const stranger = newPeer('stranger')

/** Node1 with node2 announced to it. */
async function startNode1() {
  const node1 = await startNode(near.configOf())
  await announce(node1.bus, node1.api, node2)
  return node1
}

test.each([
  ['gossip', '/api/messages/send', '/api/acknowledge', 'message_pk', 'updates'],
  ['direct', '/api/messages/send_direct', '/api/acknowledge_pubsub', 'request_id', 'direct'],
] as const)(
  'an acknowledgement of %s is stored once and told once',
  async (transport, sendPath, path, key, via) => {
    await using node1 = await startNode1()
    const pk = await send(node1.api, 'hi', sendPath)

    const first = await node1.peer.post(path, ackOf(node2, pk, {}, transport))
    const again = await node1.peer.post(path, ackOf(node2, pk, {}, transport))

    expect(first).toMatchObject({
      status: 200,
      body: { status: 'acknowledged', ack_node_id: 'node2', [key]: pk, duplicate: false },
    })
    expect(again).toMatchObject({ status: 200, body: { duplicate: true } })
    const { body } = await node1.api.get(`/api/messages/${pk}`)
    expect(body).toMatchObject({
      acks: [{ node_id: 'node2', via, attempts: 1 }],
      missing: ['node3'],
    })
    await send(node1.api)
    const acks = await until(async () => {
      const found = (await told(node1.bus, ackReceived)).filter(({ messageId }) => messageId === pk)
      return found.length > 0 && found
    })
    expect(acks).toHaveLength(1)
    expect(acks[0]).toMatchObject({ transport, ackNodeId: 'node2', roundTripClock: 'monotonic' })
    expect(acks[0]?.roundTripMs).toBeGreaterThan(0)
  },
)

test.each([
  ['unsigned', { signature: undefined }, 400, 'signature is missing'],
  ['signed with too little', { signature: 'abc' }, 400, 'signature is too short'],
  ['forged', { signature: 'A'.repeat(86) }, 401, 'not made with the key that node2 announced'],
  ['changed after it was signed', { attempts: 2 }, 401, 'signature'],
  ['without a message', { message_pk: undefined }, 400, 'message_pk is missing'],
  ['with an empty message', { message_pk: '' }, 400, 'message_pk is'],
  [
    'without sender and origin',
    { ack_node_id: undefined, origin_node_id: undefined },
    400,
    'ack_node_id is missing, origin_node_id is missing',
  ],
  ['of a sender that is no node id', { ack_node_id: 'a.b' }, 400, 'ack_node_id is malformed'],
  ['without a time', { receipt_timestamp: 'yesterday' }, 400, 'receipt_timestamp is malformed'],
  [
    'of a day that does not exist',
    { receipt_timestamp: '2026-13-01T00:00:00Z' },
    400,
    'receipt_timestamp is a time that does not exist',
  ],
  ['with attempts as text', { attempts: '1' }, 400, 'attempts must be a whole number'],
  ['with an unknown way', { via: 'pigeon' }, 400, 'via is not one of the allowed values'],
  ['for another origin', { origin_node_id: 'node9' }, 421, 'this is node1, not node9'],
  ['of the origin itself', { ack_node_id: 'node1' }, 400, 'does not acknowledge its own messages'],
  [
    'of a node that was never heard',
    { ack_node_id: 'node7' },
    503,
    'node7 has not announced itself',
  ],
])(
  'an acknowledgement %s is refused and disturbs nothing',
  async (_what, change, status, detail) => {
    await using node1 = await startNode1()
    const pk = await send(node1.api)

    const refused = await node1.peer.post('/api/acknowledge', ackOf(node2, pk, change))

    expect(refused.status).toBe(status)
    expect(detailOf(refused)).toContain(detail)
    expect(refused.body.error).toBe(refused.body.detail)
    expect((await node1.api.get(`/api/messages/${pk}`)).body).toMatchObject({ acks: [] })
    const good = await node1.peer.post('/api/acknowledge', ackOf(node2, pk))
    expect(good.body).toMatchObject({ duplicate: false })
  },
)

test('whoever was never heard is told to come again', async () => {
  await using node1 = await startNode1()
  const pk = await send(node1.api)

  const early = await node1.peer.post('/api/acknowledge', ackOf(stranger, pk))
  await announce(node1.bus, node1.api, stranger)
  const later = await until(async () => {
    const answer = await node1.peer.post('/api/acknowledge', ackOf(stranger, pk))
    return answer.status === 200 && answer
  })

  expect(early.headers.get('retry-after')).toBe('1')
  expect(later.body).toMatchObject({ duplicate: false })
  expect((await node1.api.get(`/api/messages/${pk}`)).body).toMatchObject({
    acks: [{ node_id: 'stranger' }],
    missing: ['node2', 'node3'],
  })
})

test('what is not tracked is not found, and neither is the other transport', async () => {
  await using node1 = await startNode1()
  const direct = await send(node1.api, 'hi', '/api/messages/send_direct')

  const unknown = await node1.peer.post('/api/acknowledge', ackOf(node2, 'node1_X'))
  const other = await node1.peer.post('/api/acknowledge', ackOf(node2, direct))

  expect(unknown).toMatchObject({ status: 404, body: { message_pk: 'node1_X' } })
  expect(other).toMatchObject({ status: 404, body: { message_pk: direct } })
})

test('an acknowledgement of one transport cannot be replayed as one of the other', async () => {
  await using node1 = await startNode1()
  const pk = await send(node1.api)
  const { message_pk: _, ...rest } = ackOf(node2, pk)

  const replayed = await node1.peer.post('/api/acknowledge_pubsub', { ...rest, request_id: pk })

  expect(replayed.status).toBe(401)
})

test.each([
  ['no JSON', '{', 400],
  ['nothing', '', 400],
  ['a list', '[]', 400],
  ['17 KB', JSON.stringify({ message_pk: 'x'.repeat(17 * 1024) }), 413],
])('a body of %s is refused', async (_what, body, status) => {
  await using node1 = await startNode1()

  expect((await node1.peer.post('/api/acknowledge', body)).status).toBe(status)
})

test('acknowledgements are stored over a restart, with the round trip of the same clock', async () => {
  const config = near.configOf()
  const before = await startNode(config)
  const pk = await send(before.api)
  await before.disposeAsync()
  await using after = await startNode(config)
  await announce(after.bus, after.api, node2)

  const { status } = await after.peer.post('/api/acknowledge', ackOf(node2, pk))

  expect(status).toBe(200)
  const [ack] = await until(async () => {
    const found = (await told(after.bus, ackReceived)).filter(({ messageId }) => messageId === pk)
    return found.length > 0 && found
  })
  expect(ack?.roundTripClock).toBe('monotonic')
})

test('without NATS and agent an acknowledgement is stored, and told when NATS is there', async () => {
  await using ownNats = await startNatsServer({ nodeIds: ['node1'] })
  await using node1 = await startNode(near.configOf({ NATS_URL: ownNats.url }))
  await announce(node1.bus, node1.api, node2)
  const pk = await send(node1.api)
  await ownNats.kill()
  await until(() => !node1.bus.isConnected)

  const { status } = await node1.peer.post('/api/acknowledge', ackOf(node2, pk))
  await ownNats.start()

  expect(status).toBe(200)
  await until(() => node1.bus.isConnected)
  const acks = await until(async () => {
    const found = await told(node1.bus, ackReceived)
    return found.length > 0 && found
  })
  expect(acks.map(({ messageId }) => messageId)).toEqual([pk])
}, 20_000)

test('the peer API is well, and has nothing of the web API', async () => {
  await using node1 = await startNode1()

  const health = await node1.peer.get('/api/acknowledge/health')
  const web = await node1.peer.get('/api/messages')

  expect(health).toMatchObject({ status: 200, body: { status: 'healthy', node_id: 'node1' } })
  expect(web.status).toBe(404)
})
