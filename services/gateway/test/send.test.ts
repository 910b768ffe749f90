import {
  ackRequested,
  createParser,
  messageAccepted,
  messageFailed,
  messageSent,
  SendReply,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { detailOf, neighboursOfFile, send, startNode, told } from './harness.ts'

const near = neighboursOfFile()

const startNode1 = (variables: Record<string, string> = {}) => startNode(near.configOf(variables))

async function rowOf(pk: string) {
  await using client = createCorrosionClient({ url: near.agent.url })
  const { rows } = await client.query([
    'SELECT message, node_id, originating_endpoint, region, sequence, traceparent FROM node_messages WHERE pk = ?',
    [pk],
  ])
  return rows[0]
}

const longest = 'x'.repeat(64 * 1024)

test.each([
  ['a word', 'hello'],
  ['quotes', `it's "quoted"`],
  ['line breaks', 'a\nb\r\nc\u2028d'],
  ['SQL', `'); DROP TABLE node_messages; --`],
  ['emoji and other scripts', 'zażółć 漢字 👩‍🚀'],
  ['a NUL', 'a\0b'],
  ['64 KB', longest],
])('content with %s arrives in the row as it was given', async (_what, content) => {
  await using node1 = await startNode1()

  const pk = await send(node1.api, content)

  const row = await rowOf(pk)
  expect(row?.slice(0, 4)).toEqual([content, 'node1', '127.0.0.1:5001', 'local'])
  expect(row?.[5]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)
  const { body } = await node1.api.get(`/api/messages/${pk}`)
  expect(body).toMatchObject({ pk, status: 'accepted', missing: ['node2', 'node3'], acks: [] })
})

test.each([
  ['missing', {}, 400, 'content is missing'],
  ['a number', { content: 1 }, 400, 'content must be text'],
  ['null', { content: null }, 400, 'content must be text'],
  ['empty', { content: '' }, 400, 'content is empty'],
  ['half a surrogate pair', '{"content":"\\ud800"}', 400, 'content is not valid Unicode'],
  [
    'beside a field that is not known',
    { content: 'a', experiment: 1 },
    400,
    'experiment is not known',
  ],
  ['in a list', ['a'], 400, 'the request must be a JSON object'],
  ['no JSON', '{"content":', 400, 'not valid JSON'],
  ['64 KB and one byte', { content: `${longest}x` }, 413, 'content has 65537 bytes'],
  ['64 KB and one byte in other letters', { content: 'ż'.repeat(32769) }, 413, '65538 bytes'],
  ['1 MB', { content: 'x'.repeat(1_000_000) }, 413, 'too large'],
])('content that is %s is refused', async (_what, body, status, detail) => {
  await using node1 = await startNode1()

  const answer = await node1.api.post('/api/messages/send', body)

  expect(answer).toMatchObject({ status, body: { status } })
  expect(detailOf(answer)).toContain(detail)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  expect((await node1.api.get('/api/node')).body).toMatchObject({ tracked_messages: 0 })
})

test('a form is not taken for a message', async () => {
  await using node1 = await startNode1()

  const answer = await node1.api.post('/api/messages/send', 'content=a', {
    'content-type': 'text/plain',
  })

  expect(answer.status).toBe(415)
})

test('a message is told as sent, then as accepted with its place in the database', async () => {
  await using node1 = await startNode1()

  const answer = await node1.api.post('/api/messages/send', { content: 'hello' })

  const { message } = createParser('reply', SendReply)(answer.body)
  expect(message.pk).toMatch(/^node1_[0-9A-HJKMNP-TV-Z]{26}$/)
  expect(message).toMatchObject({ transport: 'gossip', expected: ['node2', 'node3'] })
  const accepted = await until(async () =>
    (await told(node1.bus, messageAccepted)).find(({ messageId }) => messageId === message.pk),
  )
  expect(accepted.actorId).toMatch(/^[0-9a-f]{32}$/)
  expect(accepted).toMatchObject({ wasReadBack: false, dbVersion: expect.stringMatching(/^\d+$/) })
  const sent = await told(node1.bus, messageSent)
  expect(sent.find(({ messageId }) => messageId === message.pk)).toMatchObject({
    sizeBytes: 5,
    expected: [
      { nodeId: 'node2', wasPresent: false },
      { nodeId: 'node3', wasPresent: false },
    ],
  })
})

test('many messages at once get ids that are in order and different', async () => {
  await using node1 = await startNode1()

  const ids = await Promise.all(Array.from({ length: 100 }, () => send(node1.api)))

  expect(new Set(ids).size).toBe(100)
})

test('a direct message is told to the nodes over NATS', async () => {
  await using node1 = await startNode1()
  await until(() => node1.bus.isConnected)
  const heard: string[] = []
  await using _hearing = node1.bus.hear(ackRequested, ({ messageId }) => void heard.push(messageId))

  const pk = await until(async () => {
    const sent = await send(node1.api, 'hi', '/api/messages/send_direct')
    return heard.includes(sent) && sent
  })

  const { body } = await node1.api.get(`/api/messages/${pk}`)
  expect(body).toMatchObject({ transport: 'direct', status: 'accepted' })
})

test('without NATS a gossip message is sent and a direct one is refused', async () => {
  await using node1 = await startNode1({ NATS_URL: 'nats://127.0.0.1:9' })

  const direct = await node1.api.post('/api/messages/send_direct', { content: 'hi' })
  const pk = await send(node1.api)

  expect(direct).toMatchObject({ status: 503, body: { pk: expect.stringMatching(/^node1_/) } })
  expect(detailOf(direct)).toContain('nats is not connected')
  expect(direct.headers.get('retry-after')).toBe('1')
  expect((await node1.api.get(`/api/messages/${String(direct.body.pk)}`)).body).toMatchObject({
    status: 'failed',
    reason: 'nats is not connected',
  })
  expect(await rowOf(pk)).toBeDefined()
})

test('without an agent nothing is written, and that is said', async () => {
  await using node1 = await startNode1({ AGENT_URL: 'http://127.0.0.1:9' })

  const answer = await node1.api.post('/api/messages/send', { content: 'hi' })

  expect(answer).toMatchObject({ status: 503, body: { pk: expect.stringMatching(/^node1_/) } })
  expect(detailOf(answer)).toContain('nothing was written')
  const failed = await until(async () =>
    (await told(node1.bus, messageFailed)).find(({ messageId }) => messageId === answer.body.pk),
  )
  expect(failed.transport).toBe('gossip')
})

test('the oldest finished message is forgotten first', async () => {
  await using node1 = await startNode1({ TRACKED_MESSAGES: '2', CLUSTER_NODES: '' })
  const [first, second, third] = [
    await send(node1.api),
    await send(node1.api),
    await send(node1.api),
  ]

  const statuses = await Promise.all(
    [first, second, third].map(async (pk) => (await node1.api.get(`/api/messages/${pk}`)).status),
  )

  expect(statuses).toEqual([404, 200, 200])
})

test('tracking is reset', async () => {
  await using node1 = await startNode1()
  await send(node1.api)
  const pk = await send(node1.api)

  const { body } = await node1.api.post('/api/tracking/reset')

  expect(body).toMatchObject({ status: 'success', forgotten: 2, node_id: 'node1' })
  expect((await node1.api.get(`/api/messages/${pk}`)).status).toBe(404)
})
