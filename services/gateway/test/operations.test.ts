import { RefusalError } from '@corroport/bus'
import {
  agentRestartRequested,
  joinRequested,
  leaveRequested,
  type Operation,
  operationQueried,
} from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { registerOperations } from '../src/routes/operations.ts'
import { routesOfFile } from './harness.ts'

const operation: Operation = {
  id: 'node1_01KF0J4A699V8R7D2M5XNCJ4AT',
  kind: 'join',
  node_id: 'node1',
  by: 'operator',
  state: 'running',
  reason: null,
  steps: [],
  started_at: '2026-01-15T10:00:00.000000Z',
  finished_at: null,
}

const routes = routesOfFile(registerOperations)
const own = { nodeId: 'node1' }

test.each([
  [{ seeds: ['10.0.0.2:8787'] }, ['10.0.0.2:8787']],
  [{ node: '10.0.0.2:8787' }, ['10.0.0.2:8787']],
])('a join of %j is begun and answered at once', async (payload, seeds) => {
  const joins: object[] = []
  await using _responder = routes.bus.respond(joinRequested, own, (wish) => {
    joins.push(wish)
    return { operation }
  })

  const response = await routes.post('/api/cluster/join', payload)

  expect(response.statusCode).toBe(202)
  expect(response.json()).toMatchObject({ operation, node_id: 'node1' })
  expect(joins).toEqual([{ by: 'operator', seeds, timeoutMs: 60_000 }])
})

test.each([
  ['/api/cluster/join', {}, 422, 'seeds is missing: host:port of a member'],
  ['/api/cluster/join', { seeds: [] }, 400, 'seeds'],
  ['/api/cluster/join', { seed: 'x' }, 400, 'seed is not known'],
  ['/api/cluster/join', { seeds: ['bad host'] }, 422, 'cannot join: bad host'],
  ['/api/cluster/leave', { confirm: 'node2' }, 422, 'confirm has to be node1'],
  ['/api/cluster/leave', { confirm: 'node1' }, 409, 'last_member'],
  ['/api/cluster/wipe', { confirm: 'node2' }, 422, 'confirm has to be node1'],
  ['/api/cluster/wipe', { confirm: 'node1' }, 503, 'does not answer'],
  ['/api/cluster/remove', { node_id: 'node2', confirm: 'node3' }, 422, 'confirm has to be node2'],
  ['/api/node/restart', { node_id: 'a.b' }, 400, 'node_id is malformed'],
  ['/api/node/restart', { node: 'node2' }, 400, 'node is not known'],
  ['/api/node/restart', { reason: 1 }, 400, 'reason must be text'],
  ['/api/node/restart', { node_id: 'node2' }, 423, 'node2 is busy'],
  ['/api/node/restart', { node_id: 'node3' }, 503, 'config-manager of node3 does not answer'],
])('%s with %j is answered with %i', async (url, payload, status, detail) => {
  await using _joining = routes.bus.respond(joinRequested, own, () => {
    throw new RefusalError('invalid', 'cannot join: bad host')
  })
  await using _leaving = routes.bus.respond(leaveRequested, own, () => {
    throw new RefusalError('conflict', 'last_member')
  })
  await using _restarting = routes.bus.respond(agentRestartRequested, { nodeId: 'node2' }, () => {
    throw new RefusalError('locked', 'node2 is busy')
  })

  const response = await routes.post(url, payload)

  expect(response.statusCode).toBe(status)
  expect(response.json()).toMatchObject({ detail: expect.stringContaining(detail) })
})

test.each([
  [
    'the node that is named',
    { node_id: 'node2', reason: 'new certificate' },
    'node2',
    'new certificate',
  ],
  ['this node, without a body', undefined, 'node1', 'asked for by an operator'],
])('a restart is asked of %s', async (_what, payload, nodeId, reason) => {
  const restart: Operation = { ...operation, kind: 'restart', node_id: nodeId }
  const heard: object[] = []
  await using _responder = routes.bus.respond(agentRestartRequested, { nodeId }, (request) => {
    heard.push(request)
    return { operation: restart }
  })

  const response = await routes.post('/api/node/restart', payload)

  expect(response.statusCode).toBe(202)
  expect(response.json()).toMatchObject({ operation: restart, node_id: 'node1' })
  expect(heard).toEqual([{ by: 'operator', reason }])
})

test('an operation is asked of the node in its id', async () => {
  await using _responder = routes.bus.respond(operationQueried, own, ({ id }) => {
    if (id !== undefined && id !== operation.id) throw new RefusalError('not-found', 'unknown')
    return { operations: [operation] }
  })
  const get = (path: string) => routes.get(`/api/cluster/operations${path}`)

  const found = await get(`/${operation.id}`)
  expect(found.json()).toMatchObject({ operation })
  expect((await get('/node1_01KF0J4A699V8R7D2M5XNCJ4AA')).statusCode).toBe(404)
  expect((await get('/node7_01KF0J4A699V8R7D2M5XNCJ4AT')).statusCode).toBe(503)
  expect((await get('/nonsense')).statusCode).toBe(400)
  expect((await get('?node=node1')).json()).toMatchObject({ operations: [operation] })
  expect((await get('?node=node7')).statusCode).toBe(503)
})
