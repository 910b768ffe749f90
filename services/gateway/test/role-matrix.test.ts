import { includesRole, type Role } from '@corroport/contracts'
import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import {
  type Asked,
  ask,
  bearer,
  collectRoutes,
  newAddress,
  newToken,
  type RouteOfRouter,
} from './access-harness.ts'
import { neighboursOfFile, startNode } from './harness.ts'

const near = neighboursOfFile()

const isRead = ({ method }: RouteOfRouter): boolean => method === 'GET' || method === 'HEAD'

test('every route lets in whom its policy names, and nobody else', async () => {
  using found = collectRoutes()
  await using open = await startNode(near.configOf({ ACCESS: 'tokens' }))
  const { routes } = found
  const count = routes.length
  await using readOnly = await startNode(
    near.configOf({ NODE_ID: 'node2', ACCESS: 'tokens', READ_ONLY: 'true' }),
  )
  expect(routes.splice(count)).toEqual(routes)
  const { nats } = near
  const unknown = `cpt_0000000000_${'A'.repeat(43)}`
  const expired = await newToken(nats, 'admin', { expiresAt: '2026-01-15T10:00:00.000000Z' })
  const revoked = await newToken(nats, 'admin', { isRevoked: true })
  const viewer = await newToken(nats, 'viewer')
  const operator = await newToken(nats, 'operator')
  const admin = await newToken(nats, 'admin')
  for (const { api } of [open, readOnly]) {
    await until(async () => (await api.get('/api/session', bearer(admin.token))).status === 200)
  }

  const status = async (
    { api }: typeof open,
    { method, url }: RouteOfRouter,
    headers: Asked['headers'],
  ): Promise<number> => {
    const path = url.replaceAll(/:\w+/g, 'node1_01KF0HNNTV9V8R7D2M5XNCJ4AT')
    const answer = await ask(api.url + path, { method, headers, from: newAddress() })
    return answer.status
  }
  const byRole =
    (role: Role) =>
    ({ access }: RouteOfRouter): number | 'let in' =>
      access === 'public' || includesRole(role, access) ? 'let in' : 403
  const columns: Record<
    string,
    [headers: Asked['headers'], wanted: (route: RouteOfRouter) => number | 'let in', typeof open]
  > = {
    nobody: [{}, ({ access }) => (access === 'public' ? 'let in' : 401), open],
    'unknown token': [bearer(unknown), () => 401, open],
    'malformed token': [bearer('cpt_'), () => 401, open],
    'another scheme': [{ authorization: `Basic ${admin.token}` }, () => 401, open],
    'expired token': [bearer(expired.token), () => 401, open],
    'revoked token': [bearer(revoked.token), () => 401, open],
    viewer: [bearer(viewer.token), byRole('viewer'), open],
    operator: [bearer(operator.token), byRole('operator'), open],
    admin: [bearer(admin.token), () => 'let in', open],
    'admin where nothing changes': [
      bearer(admin.token),
      (route) =>
        isRead(route) || route.access === 'public' || route.access === 'viewer' ? 'let in' : 403,
      readOnly,
    ],
  }

  const cells: string[] = []
  const wrong: object[] = []
  const askCell = async (route: RouteOfRouter, name: string): Promise<void> => {
    const [headers, wanted, node] = columns[name] ?? []
    if (!wanted || !node) throw new Error('unreachable: a column of the table')
    const got = await status(node, route, headers)
    const isSame = wanted(route) === (got === 401 || got === 403 ? got : 'let in')
    cells.push(name)
    if (!isSame) wrong.push({ ...route, name, got, wanted: wanted(route) })
  }
  for (const route of routes) {
    await Promise.all(Object.keys(columns).map((name) => askCell(route, name)))
  }

  expect(wrong).toEqual([])
  expect(routes.length).toBeGreaterThan(100)
  expect(cells).toHaveLength(routes.length * Object.keys(columns).length)
  const least = (access: string) => routes.filter((route) => route.access === access)
  expect(least('public').map(({ method, url }) => `${method} ${url}`)).toEqual(
    expect.arrayContaining(['GET /api/session', 'GET /health/ready']),
  )
  // A route that changes something and that a viewer may ask would be a mistake, but for SQL.
  expect(least('viewer').filter((route) => !isRead(route))).toEqual([
    { method: 'POST', url: '/api/query', access: 'viewer' },
  ])
}, 60_000)
