import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { type CorrosionClient, createCorrosionClient } from '../src/index.ts'

/** A server of bare connections, so that each byte and each end is the test's. */
const sockets: Socket[] = []
let takeRequest: (socket: Socket, request: string) => void
let open: () => Promise<Socket>
let server: ReturnType<typeof createServer>
let client: CorrosionClient

beforeEach(async () => {
  server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => takeRequest(socket, bytes.toString()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  open = async () => {
    const [socket]: Socket[] = await once(server, 'connection')
    if (socket === undefined) throw new Error('unreachable: a connection without a socket')
    return socket
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('unreachable: no port')
  client = createCorrosionClient({ url: `http://127.0.0.1:${address.port}` })
})

afterEach(async () => {
  await client[Symbol.asyncDispose]()
  for (const socket of sockets.splice(0)) socket.destroy()
  server.close()
})

const rows = '{"columns":["1"]}\n{"row":[1,[1]]}\n{"eoq":{"time":0}}\n'
const ok = `HTTP/1.1 200 OK\r\ncontent-length: ${rows.length}\r\n\r\n${rows}`
const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it did not fail',
    (error: unknown) => error,
  )

test('a read over a connection that died while it waited is sent once more', async () => {
  const requests: Socket[] = []
  takeRequest = (socket) => {
    requests.push(socket)
    if (requests.length === 2) socket.destroy()
    else socket.end(ok)
  }
  const spare = open().then(open)
  await client.query('SELECT 1')
  await spare

  expect((await client.query('SELECT 1')).rows).toEqual([[1]])
  expect(requests).toHaveLength(3)
})

test('a read that dies again, and a transaction, are not sent once more', async () => {
  let requests = 0
  takeRequest = (socket) => {
    requests++
    if (requests === 1) socket.end(ok)
    else socket.destroy()
  }
  const spare = open().then(open)
  await client.query('SELECT 1')
  await spare

  expect(await caught(client.query('SELECT 1'))).toMatchObject({ outcome: 'unknown' })
  expect(requests).toBe(3)
  expect(await caught(client.transact(['DELETE FROM t']))).toMatchObject({ outcome: 'unknown' })
  expect(requests).toBe(4)
})

test.each([
  ['within the head', 'HTTP/1.1 200 OK\r\ncontent'],
  ['within the body', 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"columns":["1"]}\n'],
  ['before the end of the query', 'HTTP/1.1 200 OK\r\n\r\n{"columns":["1"]}\n'],
])('an answer that ends %s has an unknown outcome', async (_where, text) => {
  takeRequest = (socket) => socket.end(text)

  expect(await caught(client.query('SELECT 1'))).toMatchObject({
    name: 'CorrosionConnectionError',
    outcome: 'unknown',
  })
})

test('what is no HTTP is a protocol error, for reads, transactions and streams', async () => {
  takeRequest = (socket) => socket.end('SSH-2.0-OpenSSH\r\n')

  for (const asked of [
    client.query('SELECT 1'),
    client.transact(['DELETE FROM t']),
    client.updates('t'),
  ]) {
    expect(await caught(asked)).toMatchObject({ name: 'CorrosionProtocolError' })
  }
})

test('a result is over with its last line, and its connection is closed then', async () => {
  const closed = Promise.withResolvers<void>()
  takeRequest = (socket) => {
    socket.once('close', () => closed.resolve())
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${rows.length + 9}\r\n\r\n${rows}`)
  }

  expect((await client.query('SELECT 1')).rows).toEqual([[1]])
  await closed.promise
})

test('the timeout holds to the last byte', async () => {
  takeRequest = (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n{"columns":["1"]}\n')

  expect(String(await caught(client.query('SELECT 1', { timeoutMs: 50 })))).toContain(
    'no answer in 50 ms',
  )
})

test('no more than 32 requests are open at once; those that wait can be aborted', async () => {
  const asked: Socket[] = []
  const full = Promise.withResolvers<void>()
  takeRequest = (socket) => {
    asked.push(socket)
    if (asked.length === 32) full.resolve()
  }
  const left = new AbortController()
  const results = Array.from({ length: 40 }, () => client.query('SELECT 1'))
  const waiting = client.query('SELECT 1', { signal: left.signal })
  const late = client.query('SELECT 1', { timeoutMs: 20 })
  await full.promise

  left.abort('no longer wanted')
  expect(await caught(waiting)).toBe('no longer wanted')
  expect(await caught(late)).toMatchObject({ outcome: 'not-sent' })
  expect(asked).toHaveLength(32)

  takeRequest = (socket) => {
    asked.push(socket)
    socket.end(ok)
  }
  for (const socket of asked.slice()) socket.end(ok)
  expect(await Promise.all(results)).toHaveLength(40)
  expect(asked).toHaveLength(40)
})

test('a head that comes with what is no body fails the stream, not the process', async () => {
  takeRequest = (socket) =>
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nno chunk\r\n')

  const { events } = await client.updates('t')
  expect(await caught(Array.fromAsync(events))).toMatchObject({ name: 'CorrosionProtocolError' })
})

test('a stream that is longer than all buffers is read whole by a slow reader', async () => {
  const line = `{"notify":["update",["${'k'.repeat(1000)}"]]}\n`
  takeRequest = (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    socket.end(line.repeat(10_000))
  }

  const { events } = await client.updates('t')
  let count = 0
  const read = async () => {
    for await (const event of events) {
      count += event.key.length
      if (count % 1000 === 0) await new Promise(setImmediate)
    }
  }
  expect(await caught(read())).toMatchObject({ name: 'StreamLostError' })
  expect(count).toBe(10_000)
})

test('a token that would begin another header is refused', () => {
  expect(() =>
    createCorrosionClient({ url: 'http://127.0.0.1:1', bearerToken: 'a\r\nhost: b' }),
  ).toThrow('bearer token')
})
