// The registration API of edgeProxy, with the requests of its documentation, on an agent.
import { createCorrosionClient } from '@corroport/corrosion-client'
import { type CorrosionAgent, startCorrosionAgent, until } from '@corroport/testing'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { startAtAgent, startBackend } from './proxy.ts'

let agent: CorrosionAgent
beforeAll(async () => {
  agent = await startCorrosionAgent()
}, 60_000)
afterAll(async () => {
  await agent[Symbol.asyncDispose]()
})

let stack = new AsyncDisposableStack()
afterEach(async () => {
  await stack.disposeAsync()
  stack = new AsyncDisposableStack()
  await using client = createCorrosionClient({ url: agent.url })
  await client.transact(['DELETE FROM backends'])
})

async function proxy(environment: Record<string, string> = {}) {
  return stack.use(await startAtAgent(agent, environment))
}

const body = { id: 'web-1', app: 'web', region: 'sa', ip: '127.0.0.1', port: 8080 }

test('what the documentation shows is answered as it shows', async () => {
  const { call } = await proxy()

  expect(await call('POST', '/api/v1/register', body)).toEqual({
    status: 201,
    body: { id: 'web-1', registered: true, message: 'Backend registered successfully' },
  })
  expect(await call('POST', '/api/v1/heartbeat/web-1')).toEqual({
    status: 200,
    body: { id: 'web-1', status: 'ok' },
  })
  const one = await call('GET', '/api/v1/backends/web-1')
  // These go on from one answer to the next.
  const running = {
    last_heartbeat_secs: expect.any(Number),
    registered_secs: expect.any(Number),
    lease_secs: expect.any(Number),
  }
  expect(one.status).toBe(200)
  expect(one.body).toMatchObject({
    ...body,
    country: 'BR',
    weight: 2,
    soft_limit: 100,
    hard_limit: 150,
    healthy: true,
    ...running,
    owner: 'pop1',
    refusal: null,
  })
  expect(await call('GET', '/api/v1/backends')).toEqual({
    status: 200,
    body: { backends: [expect.objectContaining({ ...body, ...running })], total: 1 },
  })
  expect((await call('GET', '/health')).body).toMatchObject({
    status: 'ok',
    registered_backends: 1,
    table: { state: 'live', age_secs: 0 },
  })
  expect(await call('DELETE', '/api/v1/backends/web-1')).toEqual({
    status: 200,
    body: { id: 'web-1', deregistered: true },
  })
  expect(await call('GET', '/api/v1/backends')).toEqual({
    status: 200,
    body: { backends: [], total: 0 },
  })
})

test('what is not there is 404, with the bodies of edgeProxy', async () => {
  const { call } = await proxy()

  expect(await call('POST', '/api/v1/heartbeat/none')).toEqual({
    status: 404,
    body: { id: 'none', error: 'backend not registered' },
  })
  expect(await call('GET', '/api/v1/backends/none')).toEqual({
    status: 404,
    body: { error: 'backend not found' },
  })
  expect(await call('DELETE', '/api/v1/backends/none')).toEqual({
    status: 404,
    body: { id: 'none', error: 'backend not found' },
  })
  expect((await call('GET', '/nowhere')).status).toBe(404)
})

test.each([
  [{ id: '' }, 422, 'id is "": it should be 1 to 128 visible characters'],
  [{ port: 0 }, 422, 'port is 0: it should be a whole number from 1 to 65535'],
  [{ port: 70_000 }, 422, 'port is 70000'],
  [{ port: 'x' }, 422, 'port must be integer'],
  [{ ip: undefined }, 422, 'must have required properties ip'],
  [{ ip: '169.254.169.254' }, 422, 'ip: 169.254.169.254 is link-local'],
  [{ ip: 'localhost', port: 80 }, 422, 'is loopback'],
  [{ region: 'mars' }, 422, 'region is "mars": known are sa, us, eu, ap'],
  [{ country: 'XX' }, 422, 'country is "XX"'],
  [{ weight: 256 }, 422, 'weight is 256: it should be a whole number from 0 to 255'],
  [{ weight: -1 }, 422, 'weight is -1'],
  [{ hard_limit: 1e9 }, 422, 'hard_limit is 1000000000'],
])('a registration with %j is %i: %s', async (wrong, status, error) => {
  const { call } = await proxy({ EDGEPROXY_ALLOWED_BACKENDS: '127.0.0.2' })

  const answer = await call('POST', '/api/v1/register', { ...body, ip: '10.0.0.1', ...wrong })

  expect(answer).toEqual({ status, body: { error: expect.stringContaining(error) } })
})

test('what is no JSON is 400, what does not say that it is JSON 415, and a page of a browser 403', async () => {
  const { send } = await proxy()
  const post = { method: 'POST', path: '/api/v1/register' }
  const json = { 'content-type': 'application/json' }

  expect((await send({ ...post, text: '{', headers: json })).status).toBe(400)
  expect(
    (await send({ ...post, text: '{}', headers: { 'content-type': 'text/plain' } })).status,
  ).toBe(415)
  const foreign = { ...json, origin: 'https://evil.example.com' }
  expect((await send({ ...post, text: JSON.stringify(body), headers: foreign })).status).toBe(403)
})

test('with a token nobody registers, reads or removes without it, and health says that it lives', async () => {
  const token = 'secret-of-16-or-more'
  const { send } = await proxy({ EDGEPROXY_API_TOKEN: token })
  const ask = async (path: string, authorization?: string) =>
    (await send({ method: 'GET', path, headers: authorization ? { authorization } : {} })).status

  expect(await ask('/api/v1/backends')).toBe(401)
  expect(await ask('/api/v1/backends', 'Bearer wrong-secret-of-16')).toBe(401)
  expect(await ask('/api/v1/backends', `Bearer ${token}`)).toBe(200)
  expect(await ask('/health')).toBe(200)
})

test('a registration routes at once, and a row of plain SQL does, with only the columns of the guide', async () => {
  const [registered, written] = [await startBackend('registered'), await startBackend('written')]
  stack.use(registered)
  stack.use(written)
  const { call, ask } = await proxy()

  await call('POST', '/api/v1/register', { ...body, port: registered.port })
  expect(await ask()).toBe('registered')

  await call('DELETE', '/api/v1/backends/web-1')
  await using client = createCorrosionClient({ url: agent.url })
  await client.transact([
    [
      `INSERT INTO backends (id, app, region, wg_ip, port, healthy, weight, soft_limit, hard_limit)
       VALUES ('static', 'web', 'sa', '127.0.0.1', ?, 1, 2, 50, 100)`,
      [written.port],
    ],
  ])
  await until(async () => (await ask()) === 'written')
  expect(await call('POST', '/api/v1/register', { ...body, id: 'static' })).toMatchObject({
    status: 409,
  })
  expect(await call('DELETE', '/api/v1/backends/static')).toMatchObject({ status: 409 })
  expect((await call('GET', '/api/v1/backends/static')).body).toMatchObject({
    owner: null,
    lease_secs: null,
    last_heartbeat_secs: null,
  })
})

test.each([
  [{ port: "'abc'" }, 'port is "abc"'],
  [{ port: '99999' }, 'port is 99999'],
  [{ weight: '-1' }, 'weight is -1'],
  [{ soft_limit: '1.5' }, 'soft_limit is 1.5'],
  [{ healthy: "'maybe'" }, 'healthy is "maybe"'],
  [{ wg_ip: "x'00ff'" }, 'wg_ip'],
  [{ wg_ip: "'169.254.169.254'" }, 'link-local'],
  [{ region: "'mars'" }, 'region is "mars"'],
  [{ country: "'Germany'" }, 'country is "Germany"'],
  [{ lease_until: "'tomorrow'" }, 'lease_until is "tomorrow"'],
])(
  'a foreign row with %j is set aside with its reason, and the others route',
  async (wrong, reason) => {
    const backend = stack.use(await startBackend('well'))
    const { ask, warnings } = await proxy()
    const good = {
      id: "'a'",
      app: "'web'",
      region: "'sa'",
      wg_ip: "'127.0.0.1'",
      port: String(backend.port),
    }
    await using client = createCorrosionClient({ url: agent.url })
    const insert = (row: Record<string, string>): string =>
      `INSERT INTO backends (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).join(', ')})`

    await client.transact([insert({ ...good, id: "'wrong'", ...wrong }), insert(good)])

    await until(async () => (await ask()) === 'well')
    const reasons = () =>
      warnings.flatMap(({ msg, reason: why }) => (msg === 'row set aside' && why) || [])
    await until(() => reasons().length > 0)
    expect(reasons()).toEqual([expect.stringContaining(reason)])
  },
)

test('heartbeats are written only when half of the lease is gone, and keep a backend for as long as they come', async () => {
  const backend = stack.use(await startBackend('kept'))
  const { call, ask } = await proxy({ EDGEPROXY_HEARTBEAT_TTL_SECS: '2' })
  await call('POST', '/api/v1/register', { ...body, port: backend.port })
  await using client = createCorrosionClient({ url: agent.url })
  const version = async () => {
    const { rows } = await client.query('SELECT max(db_version) FROM crsql_changes')
    return Number(rows[0]?.[0])
  }
  const before = await version()
  const beganAt = performance.now()
  let beats = 0
  const names = new Set<string | undefined>()
  while (performance.now() - beganAt < 4000) {
    expect((await call('POST', '/api/v1/heartbeat/web-1')).status).toBe(200)
    beats += 1
    if (beats % 10 === 0) names.add(await ask())
  }
  expect([...names]).toEqual(['kept'])
  const seconds = (performance.now() - beganAt) / 1000
  const written = (await version()) - before
  expect(written).toBeGreaterThanOrEqual(Math.floor(seconds / 2))
  expect(written).toBeLessThanOrEqual(Math.ceil(seconds) + 1)

  await until(async () => (await ask()) === undefined)
})
