import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { expect, test } from '@jest/globals'
import { type Call, startLoad } from '../src/load.ts'
import { createServiceClient } from '../src/service-client.ts'

const pk = 'node-0_01KAN9Z7X4QW5E6R7T8Y9VBNMA'
const at = '2026-11-22T10:00:00.000000Z'
const sent = {
  status: 'success',
  message: { pk, timestamp: at, node_id: 'node-0', sequence: 1, transport: 'gossip', expected: [] },
  node_id: 'node-0',
  timestamp: at,
}
const detail = (status: 'sent' | 'accepted' | 'failed') => ({
  pk,
  node_id: 'node-0',
  transport: 'gossip',
  status,
  reason: null,
  sent_at: at,
  accepted_at: null,
  expected: [],
  acks: [],
  missing: [],
  timestamp: at,
})

type Answer = { status: number; body: unknown } | 'cut off'

/** One message through a gateway that says these things one after another. */
async function sendOne(answers: readonly Answer[]): Promise<{ call: Call; asked: string[] }> {
  const left = [...answers]
  const asked: string[] = []
  const server = createServer((request, response: ServerResponse) => {
    asked.push(`${request.method} ${request.url}`)
    const answer = left.shift() ?? 'cut off'
    if (answer === 'cut off') request.socket.destroy()
    else response.writeHead(answer.status).end(JSON.stringify(answer.body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await using _closing = { [Symbol.asyncDispose]: async () => void server.close() }
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const load = startLoad(createServiceClient({ address: '127.0.0.1', port, token: 't' }), 5)
  await load.stop()
  const [call] = load.calls
  if (!call) throw new Error('nothing was sent')
  return { call, asked }
}

const send = 'POST /api/messages/send'

test('a message is sent again after a 503, and has the id of the last answer', async () => {
  const { call, asked } = await sendOne([
    { status: 503, body: { detail: 'the agent does not answer' } },
    { status: 200, body: sent },
  ])

  expect(asked).toEqual([send, send])
  expect(call).toMatchObject({ messageId: pk, failure: undefined, isCutOff: false })
  expect(call.setbacks).toEqual(['503 {"detail":"the agent does not answer"}'])
})

test('after a 504 it is asked what became of the message, and nothing is sent again', async () => {
  const { call, asked } = await sendOne([
    { status: 504, body: { pk } },
    { status: 200, body: detail('sent') },
    { status: 200, body: detail('accepted') },
  ])

  expect(asked).toEqual([send, `GET /api/messages/${pk}`, `GET /api/messages/${pk}`])
  expect(call).toMatchObject({ messageId: pk, failure: undefined })
  expect(call.setbacks).toHaveLength(1)
})

test('a message that was not written after all is sent again', async () => {
  const { call, asked } = await sendOne([
    { status: 504, body: { pk } },
    { status: 200, body: detail('failed') },
    { status: 200, body: sent },
  ])

  expect(asked).toEqual([send, `GET /api/messages/${pk}`, send])
  expect(call.messageId).toBe(pk)
})

test('a call that nobody answers is cut off, and not sent again', async () => {
  const { call, asked } = await sendOne(['cut off', { status: 200, body: sent }])

  expect(asked).toEqual([send])
  expect(call).toMatchObject({ messageId: undefined, isCutOff: true })
})

test('an answer that is no success and no advice is a failure', async () => {
  const { call } = await sendOne([{ status: 502, body: { detail: 'the agent refused it' } }])

  expect(call).toMatchObject({
    messageId: undefined,
    failure: '502 {"detail":"the agent refused it"}',
    isCutOff: false,
  })
})
