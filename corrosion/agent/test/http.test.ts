import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { type Asked, type HttpSetup, setUpHttp } from './http-setup.ts'

let api: HttpSetup
beforeEach(async () => {
  api = await setUpHttp()
})
afterEach(async () => {
  await api[Symbol.asyncDispose]()
})

const endless = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)'

test.each<[Partial<Asked>, number, string | undefined]>([
  [{ path: '/' }, 404, undefined],
  [{ path: '/v1/queries/' }, 404, undefined],
  [{ path: '//v1/queries' }, 404, undefined],
  [{ path: '/v1/%71ueries' }, 404, undefined],
  [{ path: '/v1/subscriptions/' }, 404, undefined],
  [{ path: '/v1/updates/' }, 404, undefined],
  [{ path: '/v1/updates/a/b' }, 404, undefined],
  [{ path: '/v1/migrations' }, 404, undefined],
  [{ path: '/v1/queries', method: 'GET' }, 405, 'POST'],
  [{ path: '/v1/queries', method: 'OPTIONS' }, 405, 'POST'],
  [{ path: '/v1/health', method: 'POST' }, 405, 'GET,HEAD'],
  [{ path: '/v1/subscriptions/x', method: 'POST' }, 405, 'GET,HEAD'],
])('%j is answered %i', async (asked, status, allow) => {
  const answered = await api.ask({ path: '/', ...asked })

  expect(answered.status).toBe(status)
  expect(answered.headers.allow).toBe(allow)
  expect(answered.body).toBe('')
  expect(answered.headers.server).toBe('corroport-development-agent')
})

test.each([
  ['timeout=abc', 'timeout: invalid digit found in string'],
  ['timeout=', 'timeout: cannot parse integer from empty string'],
  ['timeout=-1', 'timeout: invalid digit found in string'],
  ['timeout=18446744073709551616', 'timeout: number too large to fit in target type'],
  ['timeout=1&timeout=1', 'duplicate field `timeout`'],
])('the query string %s is refused', async (search, problem) => {
  const { status, headers, body } = await api.query('SELECT 1', `/v1/queries?${search}`)

  expect(status).toBe(400)
  expect(headers['content-type']).toBe('text/plain; charset=utf-8')
  expect(body).toBe(`Failed to deserialize query string: ${problem}`)
})

test.each([
  ['application/json', 200],
  ['APPLICATION/JSON; charset=utf-8', 200],
  ['application/vnd.x+json', 200],
  ['application/json;', 200],
  ['application/jsonx', 415],
  ['application/json garbage', 415],
  ['text/json', 415],
])('the content type %s is answered %i', async (type, status) => {
  const headers = { 'content-type': type }

  const answered = await api.ask({ path: '/v1/queries', rawBody: '"SELECT 1"', headers })

  expect(answered.status).toBe(status)
})

test.each([
  ['%FF', 'Invalid UTF-8 in `id`'],
  [
    '0000-0000',
    'Cannot parse `id` with value `0000-0000`: UUID parsing failed: invalid group count: expected 5, found 2',
  ],
])('the subscription id %s is refused', async (id, problem) => {
  const { status, body } = await api.ask({ method: 'GET', path: `/v1/subscriptions/${id}` })

  expect(status).toBe(400)
  expect(body).toBe(`Invalid URL: ${problem}`)
})

test('a subscription id may be written in each form that a UUID has', async () => {
  const id = '00000000-0000-4000-8000-00000000ABCD'
  for (const text of [id, `{${id}}`, `urn:uuid:${id}`, id.replaceAll('-', '')]) {
    const { status, body } = await api.ask({ method: 'GET', path: `/v1/subscriptions/${text}` })

    expect(status).toBe(404)
    expect(body).toBe(`{"error":"could not find subscription with id ${id.toLowerCase()}"}`)
  }
})

test('a transaction with timeout=0 is interrupted and changes nothing', async () => {
  const { status, body } = await api.ask({
    path: '/v1/transactions?timeout=0',
    body: ["INSERT INTO node_messages(pk) VALUES ('x')"],
  })

  expect(status).toBe(500)
  expect(body).toContain('"error":"rusqlite: interrupted (actor_id: None, version: None)"')
  const { body: rows } = await api.query('SELECT count(*) FROM node_messages')
  expect(rows).toContain('[1,[0]]')
})

test('a statement and its parameters may be long', async () => {
  const long = 'é'.repeat(3_000_000)

  const { status } = await api.transact([
    'INSERT INTO node_messages(pk, message) VALUES (?, ?)',
    ['long', long],
  ])
  const { body } = await api.query("SELECT message FROM node_messages WHERE pk = 'long'")

  expect(status).toBe(200)
  expect(body).toContain(`{"row":[1,["${long}"]]}`)
})

test('beyond 128 queries that wait for their head the next is shed, and no other route', async () => {
  // Their readers are all taken, so no head comes before the timeout.
  const stuck = { path: '/v1/queries?timeout=2', body: `${endless} SELECT max(x) FROM c` }
  const taken = await Promise.all(Array.from({ length: 4 }, () => api.open(stuck)))
  const waiting = Array.from({ length: 128 }, () =>
    api.ask({ path: '/v1/queries', body: 'SELECT 1' }),
  )

  const shed = await api.query('SELECT 1')
  const other = await api.transact("INSERT INTO node_messages(pk) VALUES ('x')")

  expect(shed.status).toBe(503)
  expect(shed.body).toBe('max concurrency limit reached')
  expect(shed.headers['content-type']).toBe('text/plain; charset=utf-8')
  expect(other.status).toBe(200)
  for (const { status } of await Promise.all(waiting)) expect(status).toBe(200)
  for (const response of taken) response.resume()
})

test('open streams take no place', async () => {
  const gone = new AbortController()
  const open = () => api.open({ path: '/v1/updates/node_messages', signal: gone.signal })
  const streams = await Promise.all(Array.from({ length: 140 }, open))

  expect(streams.every(({ statusCode }) => statusCode === 200)).toBe(true)
  for (const stream of streams) stream.on('error', () => {})
  gone.abort()
})

test('a subscription streams its rows and changes, and is resumed', async () => {
  const gone = new AbortController()
  const path = '/v1/subscriptions'
  const sql = 'SELECT pk, message FROM node_messages'
  const stream = await api.open({ path, body: sql, signal: gone.signal })
  const seen: string[] = []
  stream.setEncoding('utf8').on('error', () => {})
  stream.on('data', (text: string) => seen.push(text))
  await api.transact("INSERT INTO node_messages(pk, message) VALUES ('a', 'one')")
  await once(stream, 'data')
  while (!seen.join('').includes('"change"')) await once(stream, 'data')
  gone.abort()
  const id = stream.headers['corro-query-id']
  expect(stream.headers['corro-query-hash']).toMatch(/^[0-9a-f]{16}$/)
  expect(seen.join('')).toContain('{"change":["insert",1,["a","one"],1]}\n')

  const again = new AbortController()
  const resumed = await api.open({
    method: 'GET',
    path: `${path}/${String(id)}`,
    signal: again.signal,
  })
  resumed.setEncoding('utf8').on('error', () => {})
  const [text] = await once(resumed, 'data')
  again.abort()
  expect(text).toContain('{"columns":["pk","message"]}\n')
})

test('a stop ends live streams as if they had come to their end', async () => {
  const stream = await api.open({ path: '/v1/updates/node_messages' })
  const ended = once(stream.resume(), 'end')

  await api.close()

  await ended
  expect(stream.complete).toBe(true)
})

test('a connection carries one request after the other, and what is no HTTP ends it', async () => {
  const socket = connect(api.port, '127.0.0.1').setEncoding('utf8')
  const ask = async (text: string, end: string) => {
    socket.write(text)
    let answer = ''
    while (!answer.includes(end)) answer += (await once(socket, 'data'))[0]
    return answer
  }
  const query =
    'POST /v1/queries HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n"SELECT 1"'

  const first = await ask(query, '0\r\n\r\n')
  const refused = await ask(
    'POST /v1/nope HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc',
    'content-length: 0\r\n',
  )
  const second = await ask(query, '0\r\n\r\n')
  const garbage = await ask('GARBAGE\r\n\r\n', 'connection: close')

  expect(first).toMatch(/^HTTP\/1.1 200 OK\r\n/)
  expect(refused).toMatch(/^HTTP\/1.1 404 /)
  expect(second).toContain('{"row":[1,[1]]}')
  expect(garbage).toMatch(/^HTTP\/1.1 400 Bad Request\r\nserver: corroport-development-agent\r\n/)
  await once(socket, 'close')
})

test('a client that goes away in the middle of its body leaves nothing behind', async () => {
  const socket = connect(api.port, '127.0.0.1')
  await once(socket, 'connect')
  const head = 'content-type: application/json\r\ncontent-length: 1000'
  socket.write(`POST /v1/queries HTTP/1.1\r\nhost: x\r\n${head}\r\n\r\n"SELECT`)
  socket.destroy()
  await once(socket, 'close')

  expect((await api.query('SELECT 1')).status).toBe(200)
  expect(api.logged).toEqual([])
})

test('a port in use is said so', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  if (address === null || typeof address === 'string') throw new Error('unreachable: no port')

  const start = setUpHttp({ addresses: [{ host: '127.0.0.1', port: address.port }] })

  await expect(start).rejects.toMatchObject({ code: 'EADDRINUSE' })
  taken.close()
})

describe('with a token', () => {
  beforeEach(async () => {
    await api[Symbol.asyncDispose]()
    api = await setUpHttp({ bearerToken: 'T', endpointName: 'here' })
  })

  const named = 'x-corrosion-requested-endpoint-name'
  test.each([
    [{}, 401],
    [{ authorization: 'Bearer T' }, 200],
    [{ authorization: 'bearer  T' }, 200],
    [{ authorization: 'Bearer Tx' }, 401],
    [{ authorization: 'Basic T' }, 400],
    [{ authorization: 'Bearer T', [named]: 'here' }, 200],
    [{ authorization: 'Bearer T', [named]: 'there' }, 421],
    [{ [named]: 'there' }, 421],
    [{ [named]: 'h\xe9re' }, 400],
  ])('%j is answered %i', async (headers: Record<string, string>, status) => {
    const answered = await api.ask({ path: '/v1/queries', body: 'SELECT 1', headers })

    expect(answered.status).toBe(status)
  })

  test('an unknown path needs it too', async () => {
    const { status, body } = await api.ask({ path: '/nope' })

    expect(status).toBe(401)
    expect(body).toBe('')
  })
})

describe('health', () => {
  const source = { members: () => 2, p99LagSeconds: () => 0.005, queueSize: () => 7 }
  beforeEach(async () => {
    await api[Symbol.asyncDispose]()
    api = await setUpHttp({ health: source })
  })

  test.each([
    ['', 200],
    ['?gaps=0&p99_lag=0.005&max_queue=7', 200],
    ['?max_queue=6', 503],
    ['?p99_lag=0.001', 503],
    ['?p99_lag=0.001&queue_size=7', 200],
    ['?p99_lag=0.001&queue_size=6&failure_status=200', 200],
    ['?gaps=-1&failure_status=418', 418],
  ])('%s is answered %i', async (search, status) => {
    const answered = await api.ask({ method: 'GET', path: `/v1/health${search}` })

    expect(answered.status).toBe(status)
    expect(answered.headers['content-type']).toBe('application/json')
    expect(answered.body).toBe('{"response":{"gaps":0,"members":2,"p99_lag":0.005,"queue_size":7}}')
  })

  test('HEAD has the head of GET', async () => {
    const { status, headers, body } = await api.ask({ method: 'HEAD', path: '/v1/health' })

    expect(status).toBe(200)
    expect(headers['content-length']).toBe('66')
    expect(body).toBe('')
  })
})
