import { ackReceived, messageSent } from '@corroport/contracts'
import { freePort } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { timestamp } from './answers.ts'
import { corroport, startCorroport } from './corroport.ts'
import { eventStream, problem, startGateway } from './gateway.ts'

function event(id: string, subject: string, payload: unknown): string {
  return `id: ${id}\nevent: x\ndata: ${JSON.stringify({ subject, cursor: id, payload })}\n\n`
}

const sent = event(
  '1',
  messageSent.subject({ nodeId: 'node1' }),
  messageSent.parse({
    nodeId: 'node1',
    messageId: 'node1_01A',
    transport: 'gossip',
    region: 'iad',
    sizeBytes: 5,
    expected: [{ nodeId: 'node2', wasPresent: true }],
    sentAt: timestamp,
  }),
)

const received = event(
  '2',
  ackReceived.subject({ nodeId: 'node1' }),
  ackReceived.parse({
    nodeId: 'node1',
    messageId: 'node1_01A',
    transport: 'gossip',
    ackNodeId: 'node2',
    via: 'updates',
    attempts: 1,
    receivedAt: null,
    sentAt: null,
    arrivedAt: timestamp,
    roundTripMs: 4.2,
    roundTripClock: 'monotonic',
  }),
)

test('each event is a line, and the stream is resumed where it broke', async () => {
  await using gateway = await startGateway({
    'GET /api/events': [
      eventStream(`${sent}: alive\nid: 1a\n\n`, { ends: true }),
      problem(503, 'NATS is away'),
      eventStream(
        `event: away\ndata: {"reason":"nats is not connected"}\n\n: alive\n\nevent: gap\ndata: {"stream":"RECORDS","reason":"created anew"}\n\nevent: back\ndata: {}\n\n${received}`,
      ),
    ],
  })
  await using watch = startCorroport(['watch', '--url', gateway.url])

  expect((await watch.line()).slice('10:00:00.123'.length)).toBe(
    '  message.sent       node1_01A by node1, gossip, 5 bytes, expects node2',
  )
  expect((await watch.line()).slice('10:00:00.123'.length)).toBe(
    '  ack.received       node1_01A by node2 after 4.20 ms via updates',
  )
  const host = new URL(gateway.url).host
  for (const note of [
    `watching ${host}`,
    'the stream ended, trying again',
    `watching ${host} again`,
    'away: nats is not connected',
    'gap RECORDS: created anew',
    'back',
  ]) {
    expect(await watch.note()).toBe(note)
  }
  expect(gateway.asked.map(({ headers }) => headers['last-event-id'])).toEqual([
    undefined,
    '1a',
    '1a',
  ])
  expect(gateway.asked[0]?.line).toBe('GET /api/events?topics=messages')
  expect(await watch.end('SIGINT')).toBe(130)
  expect(await watch.note()).toBe('')
})

test('a gateway that was killed is found again', async () => {
  const port = await freePort()
  const first = await startGateway({ 'GET /api/events': eventStream(sent) }, port)
  await using watch = startCorroport(['watch', '--json', '--url', first.url])
  expect(JSON.parse(await watch.line())).toMatchObject({ cursor: '1' })

  await first[Symbol.asyncDispose]()
  await using second = await startGateway({ 'GET /api/events': eventStream(received) }, port)

  expect(JSON.parse(await watch.line())).toMatchObject({ cursor: '2' })
  expect(second.asked[0]?.headers['last-event-id']).toBe('1')
})

test('an event that breaks its contract is shown and does not end the watch', async () => {
  const broken = event('1', 'corro.ack.received.node1', { messageId: 7 })
  await using gateway = await startGateway({ 'GET /api/events': eventStream(broken + sent) })
  await using watch = startCorroport(['watch', '--url', gateway.url])

  expect(await watch.line()).toContain('does not fit its contract')
  expect(await watch.line()).toContain('message.sent')
})

test('a closed pipe ends it without a word', async () => {
  let write: ((text: string) => void) | undefined
  await using gateway = await startGateway({
    'GET /api/events': (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      write = (text) => response.write(text)
      write(sent)
    },
  })
  await using watch = startCorroport(['watch', '--url', gateway.url])
  await watch.line()

  const ended = watch.hangUp()
  write?.(received)

  expect(await ended).toBe(141)
})

test('a refused or absent gateway ends it at once', async () => {
  await using gateway = await startGateway({ 'GET /api/events': problem(503, 'NATS is away') })
  const absent = `http://127.0.0.1:${await freePort()}`

  expect(await corroport(['watch', '--url', gateway.url])).toEqual({
    code: 1,
    stdout: '',
    stderr: 'corroport: NATS is away\n',
  })
  expect(await corroport(['watch', '--url', absent])).toEqual({
    code: 1,
    stdout: '',
    stderr: `corroport: no gateway reached at ${absent}: is the cluster running? Start it with npm start\n`,
  })
})
