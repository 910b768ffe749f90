import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { inTrace } from '@corroport/bus'
import {
  ackFailed,
  ackPathDiagnosed,
  ackRequested,
  ackSenderStatusQueried,
  ackSent,
  messageReceived,
} from '@corroport/contracts'
import { freePort, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import {
  type Answer,
  acknowledge,
  change,
  hang,
  refuse,
  startNeighbours,
  startNode1,
  startOrigin,
  untilHeard,
} from './harness.ts'

const manyIds = (count: number, prefix = 'node2'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}_${String(index).padStart(5, '0')}`)
const idsOf = (told: readonly { messageId: string }[]): string[] =>
  told.map(({ messageId }) => messageId).toSorted()

test('a direct request is acknowledged over HTTP; an own one is not, an unreadable one not asked', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  await using node2 = await startOrigin(key)
  near.use(await startNode1(nats.url, stateDir))
  observer.announce('node2', node2.endpoint, key.publicKey)
  const traceId = 'a'.repeat(32)
  const ask = (originNodeId: string, messageId: string): void => {
    const requestedAt = '2026-01-15T10:00:00.123456Z'
    const request = { originNodeId, messageId, content: 'hello', region: 'local', requestedAt }
    inTrace(`00-${traceId}-${'b'.repeat(16)}-01`, () =>
      observer.bus.hint(ackRequested, { nodeId: originNodeId }, request),
    )
  }
  // A hint is not kept: the service must be there to hear it.
  await observer.publish(change('node2_first'))
  await until(() => node2.posted.length === 1)

  ask('node1', 'node1_A')
  expect(() => ask('node2', 'node2_\r\n')).toThrow('does not fit its contract')
  ask('node2', 'node2_A')

  await until(() => observer.told(ackSent).length === 2)
  expect(node2.posted[1]).toMatchObject({
    path: '/api/acknowledge_pubsub',
    isSigned: true,
    body: { request_id: 'node2_A', via: 'direct', attempts: 1 },
  })
  expect(node2.posted[1]?.headers.traceparent).toContain(traceId)
  expect(observer.told(messageReceived)[1]).toMatchObject({
    messageId: 'node2_A',
    transport: 'direct',
  })
})

test('an origin that is down hears everything once it is up', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  const port = await freePort()
  near.use(await startNode1(nats.url, stateDir))
  observer.announce('node2', `127.0.0.1:${port}`, key.publicKey)
  await untilHeard(observer, 'node2')
  const ids = manyIds(50)
  await observer.publish(...ids.map((id) => change(id)))
  await until(() => observer.told(messageReceived).length === ids.length)

  await using node2 = await startOrigin(key, port)

  await until(() => observer.told(ackSent).length === ids.length)
  // At least once: an answer may have come too late to be seen.
  expect([...new Set(node2.ids)].toSorted()).toEqual(ids)
  expect(node2.posted.every(({ isSigned }) => isSigned)).toBe(true)
  expect(observer.told(ackSent).some(({ attempts }) => attempts > 1)).toBe(true)
})

test('an origin that is announced late is acknowledged as soon as it is', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  await using node2 = await startOrigin(key)
  near.use(await startNode1(nats.url, stateDir))
  await observer.publish(change('node2_A'))
  await until(() => observer.told(messageReceived).length === 1)
  expect(node2.posted).toEqual([])

  observer.announce('node2', node2.endpoint, key.publicKey)

  await until(() => observer.told(ackSent).length === 1)
})

test('an origin that hangs does not delay another', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  await using node2 = await startOrigin(key)
  await using node3 = await startOrigin(key)
  node2.answer(hang)
  near.use(await startNode1(nats.url, stateDir, { ACK_TIMEOUT_MS: '3000' }))
  observer.announce('node2', node2.endpoint, key.publicKey)
  observer.announce('node3', node3.endpoint, key.publicKey)
  await observer.publish(...manyIds(100).map((id) => change(id)))
  await until(() => node2.posted.length === 8)

  await observer.publish(...manyIds(100, 'node3').map((id) => change(id)))
  await until(() => node3.posted.length === 100)

  // The first eight still wait for their answers.
  expect(node2.posted).toHaveLength(8)
})

test.each([
  [404, 'not tracked by its origin'],
  [400, 'answered 400: because of 400'],
  [422, 'answered 422: because of 422'],
])('%i is final: %s', async (status, reason) => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  await using node2 = await startOrigin(key)
  node2.answer(refuse(status))
  near.use(await startNode1(nats.url, stateDir))
  observer.announce('node2', node2.endpoint, key.publicKey)

  await observer.publish(change('node2_A'))

  const [failed] = await until(() => {
    const told = observer.told(ackFailed)
    return told.length > 0 && told
  })
  expect(failed).toMatchObject({ messageId: 'node2_A', reason, attempts: 1 })
  expect(node2.posted).toHaveLength(1)
})

const close: Answer = (_, response) => response.destroy()
const notAnAcknowledgement: Answer = (_, response) => response.end('welcome')
const endless: Answer = (_, response) => {
  const flood = (): void => {
    if (!response.destroyed && response.write('x'.repeat(65_536))) setImmediate(flood)
    else response.once('drain', flood)
  }
  flood()
}

test.each<[string, Answer]>([
  ['401', refuse(401)],
  ['409', refuse(409)],
  ['429', refuse(429)],
  ['500', refuse(500)],
  ['503', refuse(503)],
  ['a redirect', refuse(307, { location: 'http://127.0.0.1:9/' })],
  ['no answer', hang],
  ['a closed connection', close],
  ['200 without an acknowledgement', notAnAcknowledgement],
  ['200 without end', endless],
])('after %s it is sent again', async (_, answer) => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  await using node2 = await startOrigin(key)
  node2.answer((posted, response) => {
    const how = node2.posted.length === 1 ? answer : acknowledge
    how(posted, response)
  })
  near.use(await startNode1(nats.url, stateDir, { ACK_TIMEOUT_MS: '300' }))
  observer.announce('node2', node2.endpoint, key.publicKey)

  await observer.publish(change('node2_A'))

  await until(() => observer.told(ackSent).length === 1)
  expect(node2.posted.map(({ body }) => body.attempts)).toEqual([1, 2])
  expect(observer.told(ackSent)[0]?.attempts).toBe(2)
  expect(observer.told(ackFailed)).toEqual([])
})

test.each([
  ['fails at its origin', refuse(500)],
  ['makes its origin hang', hang],
])('an acknowledgement that %s does not hold up those behind it', async (_, answer) => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  await using node2 = await startOrigin(key)
  node2.answer((posted, response) => {
    const how = posted.messageId === 'node2_00000' ? answer : acknowledge
    how(posted, response)
  })
  near.use(await startNode1(nats.url, stateDir, { ACK_TIMEOUT_MS: '200' }))
  observer.announce('node2', node2.endpoint, key.publicKey)

  await observer.publish(...manyIds(101).map((id) => change(id)))

  await until(() => observer.told(ackSent).length === 100)
  await until(() => node2.ids.filter((id) => id === 'node2_00000').length > 1)
  expect(observer.told(ackSent).map(({ messageId }) => messageId)).not.toContain('node2_00000')
})

test('what is owed for too long is given up', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  const port = await freePort()
  near.use(await startNode1(nats.url, stateDir, { ACK_MAX_AGE_MS: '1000' }))
  observer.announce('node2', `127.0.0.1:${port}`, key.publicKey)

  await observer.publish(change('node2_A'), change('node9_A'))

  await until(() => observer.told(ackFailed).length === 2)
  const reasons = observer.told(ackFailed).map(({ messageId, reason }) => [messageId, reason])
  expect(Object.fromEntries(reasons)).toEqual({
    node2_A: 'too old',
    node9_A: 'origin was never announced',
  })
})

test('a backlog larger than memory holds is delivered whole, each once', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  await using node2 = await startOrigin(key)
  near.use(await startNode1(nats.url, stateDir))
  const ids = manyIds(2500)
  await observer.publish(...ids.map((id) => change(id)))
  await until(() => observer.told(messageReceived).length === ids.length)

  observer.announce('node2', node2.endpoint, key.publicKey)
  const more = manyIds(300, 'node2_more')
  await observer.publish(...more.map((id) => change(id, { row: { node_id: 'node2' } })))

  await until(() => observer.told(ackSent).length === ids.length + more.length)
  expect(node2.ids.toSorted()).toEqual([...ids, ...more].toSorted())
}, 30_000)

test('a stop with work in flight loses nothing and tells nothing twice', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  await using node2 = await startOrigin(key)
  node2.answer((posted, response) => void setTimeout(() => acknowledge(posted, response), 50))
  observer.announce('node2', node2.endpoint, key.publicKey)
  const ids = manyIds(60)
  // On a busy machine an answer may take longer than usual, and what it answers is posted again.
  const patient = { ACK_TIMEOUT_MS: '8000' }
  const node1 = await startNode1(nats.url, stateDir, patient)
  await observer.publish(...ids.map((id) => change(id)))
  await until(() => node2.posted.length > 8)
  await node1[Symbol.asyncDispose]()
  const answered = new Set(node2.ids).size
  expect(answered).toBeLessThan(ids.length)
  await until(() => observer.told(ackSent).length === answered)

  near.use(await startNode1(nats.url, stateDir, patient))

  await until(() => observer.told(ackSent).length >= ids.length)
  expect([...new Set(node2.ids)].toSorted()).toEqual(ids)
  expect(idsOf(observer.told(messageReceived))).toEqual(ids)
  expect(idsOf(observer.told(ackSent))).toEqual(ids)
})

test('after kill -9 everything owed is acknowledged', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  const port = await freePort()
  observer.announce('node2', `127.0.0.1:${port}`, key.publicKey)
  const main = new URL('../src/main.ts', import.meta.url).pathname
  const first = spawn(process.execPath, [main], {
    env: {
      PATH: process.env.PATH,
      NODE_ID: 'node1',
      NATS_URL: nats.url,
      STATE_DIR: stateDir,
      METRICS_PORT: String(await freePort()),
      LOG_LEVEL: 'error',
    },
    stdio: 'inherit',
  })
  const ids = manyIds(200)
  await observer.publish(...ids.map((id) => change(id)))
  await until(() => observer.told(messageReceived).length > 100)
  first.kill('SIGKILL')
  await once(first, 'exit')

  await using node2 = await startOrigin(key, port)
  near.use(await startNode1(nats.url, stateDir))

  // What the killed process held unacknowledged comes again after the wait of its durable.
  await until(() => observer.told(ackSent).length === ids.length)
  expect([...new Set(node2.ids)].toSorted()).toEqual(ids)
  expect(idsOf(observer.told(messageReceived))).toEqual(ids)
}, 30_000)

test('started without NATS it begins when NATS is there', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  await using node2 = await startOrigin(key)
  await nats.kill()
  near.use(await startNode1(nats.url, stateDir))

  await nats.start()
  observer.announce('node2', node2.endpoint, key.publicKey)
  await until(() => observer.bus.isConnected)
  await observer.publish(change('node2_A'))

  await until(() => observer.told(ackSent).length === 1)
  expect(node2.ids).toEqual(['node2_A'])
})

test('acknowledges while NATS is away and tells it afterwards', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  const port = await freePort()
  near.use(await startNode1(nats.url, stateDir))
  observer.announce('node2', `127.0.0.1:${port}`, key.publicKey)
  await untilHeard(observer, 'node2')
  await observer.publish(change('node2_A'))
  await until(() => observer.told(messageReceived).length === 1)
  await nats.kill()

  await using node2 = await startOrigin(key, port)
  await until(() => node2.posted.length === 1)
  await nats.start()

  await until(() => observer.told(ackSent).length === 1)
  expect(node2.ids).toEqual(['node2_A'])
}, 20_000)

test('a diagnosis names what is in the way', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  await using node2 = await startOrigin(key)
  const port = await freePort()
  near.use(await startNode1(nats.url, stateDir))
  observer.announce('node2', node2.endpoint, key.publicKey)
  observer.announce('node3', `127.0.0.1:${port}`, key.publicKey)
  await observer.publish(change('node2_A'), change('node3_A'))
  await until(() => observer.told(ackSent).length === 1)

  const diagnosis = await observer.bus.request(ackPathDiagnosed, { nodeId: 'node1' }, {})

  expect(diagnosis.owed).toBe(1)
  expect(diagnosis.oldestOwedAt).not.toBeNull()
  expect(Object.fromEntries(diagnosis.steps.map(({ step, ok }) => [step, ok]))).toEqual({
    'nats of the ack-sender': true,
    changes: true,
    key: false,
    directory: true,
    'endpoint node2': true,
    'endpoint node3': false,
  })
})

test('a status counts what is owed until it is confirmed, and what was not heard', async () => {
  await using near = await startNeighbours()
  const { observer, nats, stateDir, key } = near
  const port = await freePort()
  near.use(await startNode1(nats.url, stateDir))
  observer.announce('node2', `127.0.0.1:${port}`, key.publicKey)
  const status = () => observer.bus.request(ackSenderStatusQueried, { nodeId: 'node1' }, {})
  await observer.publish(change('node2_A'), change('node2_B'))
  await until(async () => (await status().catch(() => undefined))?.owed === 2)

  expect(await status()).toMatchObject({ unheard: 0, owed: 2 })

  await using _origin = await startOrigin(key, port)
  await until(async () => (await status()).owed === 0)
  await until(async () => (await status()).unpublished === 0)
})
