import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { readStream } from '@corroport/bus'
import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { ask, bearer, newAddress, newToken } from './access-harness.ts'
import { neighboursOfFile, startNode } from './harness.ts'

const near = neighboursOfFile()

test('after ten credentials that were not good an address waits, but for a good one', async () => {
  await using node1 = await startNode(near.configOf({ ACCESS: 'tokens' }))
  const { url } = node1.api
  const { token } = await newToken(near.nats, 'viewer')
  const from = newAddress()
  const nodes = (credential: string) =>
    ask(`${url}/api/nodes`, { headers: bearer(credential), from })
  await until(
    async () => (await ask(`${url}/api/nodes`, { headers: bearer(token) })).status === 200,
  )

  for (let failures = 0; failures < 10; failures += 1) {
    expect((await nodes(`cpt_0000000000_${'A'.repeat(43)}`)).status).toBe(401)
  }
  const refused = await nodes('cpt_0')
  const signIn = { method: 'POST', body: { token: `cpt_0000000000_${'A'.repeat(43)}` }, from }

  expect(refused.status).toBe(429)
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await ask(`${url}/api/session`, signIn)).status).toBe(429)
  expect((await nodes(token)).status).toBe(200)
  expect(
    (await ask(`${url}/api/nodes`, { headers: bearer('cpt_0'), from: newAddress() })).status,
  ).toBe(401)
})

test('of many refused requests some are told and all are counted', async () => {
  await using node1 = await startNode(near.configOf({ NODE_ID: 'node2', ACCESS: 'tokens' }))
  const { token } = await newToken(near.nats, 'viewer')
  const { url } = node1.api
  await until(
    async () => (await ask(`${url}/api/nodes`, { headers: bearer(token) })).status === 200,
  )
  const refuse = () => ask(`${url}/api/tokens`, { headers: bearer(token) })

  for (let asked = 0; asked < 100; asked += 1) expect((await refuse()).status).toBe(403)
  expect(
    (await ask(`${url}/api/tracking/reset`, { method: 'POST', headers: bearer(token) })).status,
  ).toBe(403)

  expect(await node1.metrics.metrics()).toContain('corro_gateway_refused_total{status="403"} 101')
  await until(async () => {
    const told = await readStream(node1.bus, 'AUDIT')
    const refused = told.filter(({ subject }) => subject === 'corro.audit.noted.node2')
    expect(refused.length).toBeLessThanOrEqual(60)
    return refused.length === 60
  })
})

/**
 * What a raw connection gets until it is ended. The drops come 200 ms apart and are over before that:
 * the answer is lost when a further one meets the closed connection.
 */
async function dribble(
  socket: Socket,
  first: string,
  { drop, drops }: { drop: string; drops: number },
): Promise<string> {
  let answer = ''
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  socket.on('data', (chunk) => {
    answer += chunk.toString()
  })
  socket.on('error', () => undefined) // the close that follows is waited for
  socket.on('close', () => resolve())
  socket.write(first)
  let left = drops
  const dribbling = setInterval(() => {
    left -= 1
    if (left >= 0) socket.write(drop)
  }, 200)
  await ended
  clearInterval(dribbling)
  return answer
}

test('who dribbles a request is cut off', async () => {
  await using node1 = await startNode(near.configOf())
  const { host, port } = new URL(node1.api.url)
  const open = () => connect(Number(port), '127.0.0.1')
  const startedAt = performance.now()

  const inHeaders = await dribble(open(), `GET /api/nodes HTTP/1.1\r\nhost: ${host}\r\n`, {
    drop: 'a: b\r\n',
    drops: 20,
  })

  expect(inHeaders).toContain('408')
  expect(performance.now() - startedAt).toBeLessThan(8000)

  const post = `POST /api/messages/send HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`
  const inBody = await dribble(open(), post, { drop: ' ', drops: 40 })
  expect(inBody).not.toContain('200 OK')
  expect(performance.now() - startedAt).toBeLessThan(20_000)
}, 30_000)

test('what is too large is refused', async () => {
  await using node1 = await startNode(near.configOf())
  const { url } = node1.api

  const large = { content: 'a'.repeat(10_000_000) }
  const body = await ask(`${url}/api/messages/send`, { method: 'POST', body: large }).catch(
    (error: NodeJS.ErrnoException) => error.code,
  )
  // The connection may end before all of it was written.
  expect([413, 'EPIPE', 'ECONNRESET']).toContain(typeof body === 'object' ? body.status : body)
  expect((await ask(`${url}/api/nodes`, { headers: { a: 'b'.repeat(20_000) } })).status).toBe(431)
})

test('one address has so many connections, and others have theirs', async () => {
  await using node1 = await startNode(near.configOf())
  const { port } = new URL(node1.api.url)
  using sockets = new DisposableStack()
  const from = newAddress()
  const open = async (): Promise<Socket> => {
    const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: from })
    sockets.defer(() => socket.destroy())
    await once(socket, 'connect')
    return socket
  }
  for (let count = 0; count < 1024; count += 1) await open()

  const one = await open()
  if (!one.closed) await once(one, 'close')

  expect((await ask(`${node1.api.url}/health/live`, { from: newAddress() })).status).toBe(200)
  expect(await node1.metrics.metrics()).toContain('corro_gateway_sockets_refused_total 1')
})
