import {
  applyStreams,
  onceConnected,
  openDocuments,
  openTokenBucket,
  readStream,
} from '@corroport/bus'
import { auditNoted, createParser, SessionReply, streams, TokenRecord } from '@corroport/contracts'
import { startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { ask, bearer, newAddress, newToken } from './access-harness.ts'
import { configOf, neighboursOfFile, newFolder, startNode } from './harness.ts'

const near = neighboursOfFile()

const parseSession = createParser('session', SessionReply)

const startNode1 = (variables: Record<string, string> = {}) =>
  startNode(near.configOf({ ACCESS: 'tokens', ...variables }))

const isLetIn = async (url: string, token: string): Promise<boolean> =>
  (await ask(`${url}/api/nodes`, { headers: bearer(token), from: newAddress() })).status === 200

test('a token is known at once and refused as soon as it is revoked', async () => {
  await using node1 = await startNode1()
  const { url } = node1.api
  const { token, id } = await newToken(near.nats, 'viewer')
  await until(() => isLetIn(url, token))

  await using bucket = await openTokenBucket({ url: near.nats.url })
  await bucket.revoke(id)

  await until(async () => !(await isLetIn(url, token)))
  const refused = await ask(`${url}/api/nodes`, { headers: bearer(token), from: newAddress() })
  expect(refused.status).toBe(401)
  expect(refused.headers['www-authenticate']).toBe('Bearer realm="corroport"')
  expect(refused.headers['content-security-policy']).toContain("default-src 'none'")
  expect(refused.text).toContain(`access token ${id} was revoked at`)
})

test('a key that was deleted by hand is revoked everywhere, and stays so', async () => {
  await using node1 = await startNode1()
  const { url } = node1.api
  const { token, id } = await newToken(near.nats, 'viewer')
  await until(() => isLetIn(url, token))

  await using documents = openDocuments(node1.bus, 'TOKENS', createParser('token', TokenRecord))
  await until(() => documents.get(id).then(Boolean, () => false))
  const { revision = 0 } = (await documents.get(id)) ?? {}
  await documents.delete(id, revision)

  await until(async () => !(await isLetIn(url, token)))
  await using bucket = await openTokenBucket({ url: near.nats.url })
  await until(async () => (await bucket.list()).some((each) => each.id === id))
  expect((await bucket.list()).find((each) => each.id === id)?.revoked_at).not.toBeNull()
})

test('admins see the tokens without their hashes', async () => {
  await using node1 = await startNode1()
  const { token, id } = await newToken(near.nats, 'admin')
  await until(() => isLetIn(node1.api.url, token))

  const { text } = await ask(`${node1.api.url}/api/tokens`, { headers: bearer(token) })

  expect(text).toContain(id)
  expect(text).not.toContain('sha256')
  expect(text).not.toContain(token.slice(-43))
})

test('a wiped bucket gets back what it lost, and revoked tokens are not revived', async () => {
  await using nats = await startNatsServer({ nodeIds: ['node1'] })
  await using node1 = await startNode1({ NATS_URL: nats.url })
  const { url } = node1.api
  const good = await newToken(nats, 'viewer')
  const bad = await newToken(nats, 'viewer', { isRevoked: true })
  await until(() => isLetIn(url, good.token))
  const isKnown = async () =>
    (
      await ask(`${url}/api/nodes`, { headers: bearer(bad.token), from: newAddress() })
    ).text.includes('revoked at')
  await until(isKnown)

  await nats.kill()
  expect(await isLetIn(url, good.token)).toBe(true)
  nats.wipe()
  await nats.start()

  await using bucket = await openTokenBucket({ url: nats.url })
  await until(async () => (await bucket.list()).length === 2)
  expect((await bucket.list()).map(({ id, revoked_at }) => [id, revoked_at !== null])).toEqual([
    [good.id, false],
    [bad.id, true],
  ])
  expect(await isLetIn(url, bad.token)).toBe(false)
}, 20_000)

test('while NATS is away tokens of before are taken; a gateway that never knew any says why not', async () => {
  await using nats = await startNatsServer({ nodeIds: ['node1'] })
  const stateDir = newFolder()
  const variables = { ACCESS: 'tokens', NATS_URL: nats.url, AGENT_URL: near.agent.url }
  const { token } = await newToken(nats, 'viewer')
  {
    await using node1 = await startNode(configOf(variables, stateDir))
    await until(() => isLetIn(node1.api.url, token))
  }
  await nats.kill()

  await using again = await startNode(configOf(variables, stateDir))
  expect(await isLetIn(again.api.url, token)).toBe(true)

  await using fresh = await startNode(configOf(variables))
  const { status, headers, text } = await ask(`${fresh.api.url}/api/nodes`, {
    headers: bearer(token),
  })
  expect([status, headers['retry-after']]).toEqual([503, '1'])
  expect(text).toContain('NATS, which keeps the access tokens, is away')
  expect(fresh.health.ready().checks).toContainEqual({
    name: 'access tokens',
    ok: false,
    detail: 'NATS, which keeps the access tokens, is away',
  })
  expect((await ask(`${fresh.api.url}/health/live`)).status).toBe(200)
}, 20_000)

test('a session is a cookie that no script and no other site gets, and that its gateway can end', async () => {
  await using node1 = await startNode1()
  await using node2 = await startNode1({
    NODE_ID: 'node2',
    PUBLIC_URL: 'https://console.example.com',
  })
  const { token, id } = await newToken(near.nats, 'operator')
  const { url } = node1.api
  await until(() => isLetIn(url, token))
  await until(() => isLetIn(node2.api.url, token))
  const signIn = (base: string) => ask(`${base}/api/session`, { method: 'POST', body: { token } })

  const signedIn = await signIn(url)

  expect(signedIn.status).toBe(200)
  expect(parseSession(JSON.parse(signedIn.text)).principal).toMatchObject({
    name: 'operator anna',
    role: 'operator',
  })
  expect(signedIn.cookie).toMatch(
    /^corroport_node1=[\w-]{43}; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
  )
  // Two gateways of one host: a browser sends both cookies to both.
  const other = await signIn(node2.api.url)
  expect(other.cookie).toMatch(/^__Host-corroport_node2=.*; HttpOnly; Secure; SameSite=Strict$/)
  const cookieOf = (answer: typeof other): string => answer.cookie.split(';')[0] ?? ''
  const both = { cookie: `${cookieOf(signedIn)}; ${cookieOf(other)}` }
  expect((await ask(`${url}/api/nodes`, { headers: both })).status).toBe(200)
  expect((await ask(`${node2.api.url}/api/nodes`, { headers: both })).status).toBe(200)
  expect(
    (await ask(`${node2.api.url}/api/nodes`, { headers: { cookie: cookieOf(signedIn) } })).status,
  ).toBe(401)

  const ended = await ask(`${url}/api/session`, {
    method: 'DELETE',
    headers: { ...both, origin: url },
  })
  expect(parseSession(JSON.parse(ended.text)).principal).toBeNull()
  const over = await ask(`${url}/api/nodes`, { headers: both })
  expect([over.status, over.cookie]).toEqual([
    401,
    expect.stringContaining('Expires=Thu, 01 Jan 1970'),
  ])
  // What nobody needs a token for is not withheld from whoever had one.
  expect((await ask(`${url}/api/session`, { headers: both })).status).toBe(200)

  await using bucket = await openTokenBucket({ url: near.nats.url })
  await bucket.revoke(id)
  await until(
    async () => (await ask(`${node2.api.url}/api/nodes`, { headers: both })).status === 401,
  )
})

test('a change with a cookie has to come from a page of the gateway', async () => {
  await using node1 = await startNode1()
  const { token } = await newToken(near.nats, 'operator')
  const { url } = node1.api
  await until(() => isLetIn(url, token))
  const { cookie } = await ask(`${url}/api/session`, { method: 'POST', body: { token } })
  const change = async (headers: Record<string, string>) =>
    (await ask(`${url}/api/tracking/reset`, { method: 'POST', headers: { cookie, ...headers } }))
      .status

  expect(await change({ origin: url })).toBe(200)
  expect(await change({ 'sec-fetch-site': 'same-origin' })).toBe(200)
  expect(await change({})).toBe(403)
  expect(await change({ 'sec-fetch-site': 'none' })).toBe(403)
  expect(await change({ origin: url, 'sec-fetch-site': 'same-site' })).toBe(403)
  expect(await change({ origin: 'http://localhost:1' })).toBe(403)
})

test('foreign pages load nothing of the API, but may link to it', async () => {
  await using node1 = await startNode(near.configOf())
  const load = async (headers: Record<string, string>, path = '/api/nodes') =>
    (await ask(node1.api.url + path, { headers })).status
  const blind = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }

  expect(await load(blind)).toBe(403)
  expect(await load(blind, '/%61pi/nodes')).toBe(403)
  expect(await load({ ...blind, 'sec-fetch-site': 'same-site' })).toBe(403)
  expect(
    await load({
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'iframe',
    }),
  ).toBe(403)
  expect(
    await load({
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    }),
  ).toBe(200)
  expect(await load({ 'sec-fetch-site': 'same-origin' })).toBe(200)
})

test('the name that a proxy is reached under is one of this gateway', async () => {
  await using node1 = await startNode1({ PUBLIC_URL: 'https://console.example.com' })
  const { token } = await newToken(near.nats, 'operator')
  await until(() => isLetIn(node1.api.url, token))
  const status = async (headers: Record<string, string>) =>
    (
      await ask(`${node1.api.url}/api/tracking/reset`, {
        method: 'POST',
        headers: { ...bearer(token), ...headers },
      })
    ).status

  expect(await status({ host: 'console.example.com', origin: 'https://console.example.com' })).toBe(
    200,
  )
  expect(
    await status({ host: 'console.example.com', origin: 'http://console.example.com.evil' }),
  ).toBe(403)
  expect(await status({ host: 'evil.example' })).toBe(421)
})

test('a revoked token ends the event streams that it opened', async () => {
  await using node1 = await startNode1()
  const { token, id } = await newToken(near.nats, 'viewer')
  await until(() => isLetIn(node1.api.url, token))
  const response = await fetch(`${node1.api.url}/api/events`, {
    headers: bearer(token),
    signal: AbortSignal.timeout(10_000),
  })
  expect(response.status).toBe(200)

  await using bucket = await openTokenBucket({ url: near.nats.url })
  await bucket.revoke(id)

  // Only an end of the stream ends the text.
  expect(await response.text()).toContain('event: denied')
}, 15_000)

test('who changed what is told, who was refused too, and no token in it', async () => {
  await using node1 = await startNode1()
  const { token } = await newToken(near.nats, 'operator')
  const { url } = node1.api
  await until(() => isLetIn(url, token))
  const sql = 'SELECT 1 AS audited'

  await ask(`${url}/api/query`, { method: 'POST', headers: bearer(token), body: { sql } })
  await ask(`${url}/api/node/restart`, {
    method: 'POST',
    headers: bearer(token),
    body: { node_id: 'node2' },
  })
  await ask(`${url}/api/cluster/leave`, {
    method: 'POST',
    headers: bearer(token),
    body: { confirm: 'node1' },
  })
  await ask(`${url}/api/session`, { method: 'POST', body: { token } })
  await ask(`${url}/api/nodes`, { headers: bearer('cpt_no'), from: newAddress() })

  const mine = async () => {
    const records = await readStream(node1.bus, 'AUDIT')
    const audits = records.filter(({ subject }) => subject.startsWith('corro.audit.'))
    expect(audits.map(({ text }) => text).join('\n')).not.toContain(token.slice(-43))
    return audits
      .map(({ text }) => auditNoted.parse(JSON.parse(text)))
      .filter(
        ({ nodeId, target, by, action }) =>
          nodeId === 'node1' &&
          (target === sql || by === 'operator anna' || action === 'GET /api/nodes'),
      )
      .map(({ by, role, action, target, status }) => [by, role, action, target, status])
      .slice(-5)
  }
  await until(async () => (await mine()).at(-1)?.[2] === 'GET /api/nodes')
  expect(await mine()).toEqual([
    ['operator anna', 'operator', 'POST /api/query', sql, 200],
    ['operator anna', 'operator', 'POST /api/node/restart', 'node2', 503],
    ['operator anna', 'operator', 'POST /api/cluster/leave', null, 403],
    ['operator anna', 'operator', 'POST /api/session', null, 200],
    [null, null, 'GET /api/nodes', null, 401],
  ])
})

test('a bucket that is made after the gateway started is found', async () => {
  await using nats = await startNatsServer({ nodeIds: ['node1'] })
  await using node1 = await startNode1({ NATS_URL: nats.url })
  const before = await newToken(nats, 'viewer')
  await until(() => isLetIn(node1.api.url, before.token))
  await onceConnected(node1.bus, async ({ jetstream }) => {
    const manager = await jetstream.jetstreamManager()
    await manager.streams.delete('KV_TOKENS')
  })

  await applyStreams({ url: nats.url, streams, durables: [] })

  const { token } = await newToken(nats, 'viewer')
  await until(() => isLetIn(node1.api.url, token), 20_000)
  await using bucket = await openTokenBucket({ url: nats.url })
  await until(async () => (await bucket.list()).some(({ id }) => id === before.id), 20_000)
}, 45_000)
