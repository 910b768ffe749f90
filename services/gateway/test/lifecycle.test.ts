import { connectBus, RefusalError } from '@corroport/bus'
import {
  joinRequested,
  leaveRequested,
  type Operation,
  operationQueried,
} from '@corroport/contracts'
import { createMetrics } from '@corroport/service'
import { startNatsServer } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createHttpServer } from '../src/http-server.ts'
import { createGatewayMetrics } from '../src/metrics.ts'
import { registerOperations } from '../src/routes/operations.ts'
import { silent } from './harness.ts'

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

let node: Awaited<ReturnType<typeof start>>
beforeAll(async () => {
  node = await start()
})
afterAll(() => node[Symbol.asyncDispose]())

test.each([
  [{ seeds: ['10.0.0.2:8787'] }, ['10.0.0.2:8787']],
  [{ node: '10.0.0.2:8787' }, ['10.0.0.2:8787']],
])('a join of %j is begun and answered at once', async (payload, seeds) => {
  const response = await node.post('/api/cluster/join', payload)

  expect(response.statusCode).toBe(202)
  expect(response.json()).toMatchObject({ operation, node_id: 'node1' })
  expect(node.joins.at(-1)).toEqual({ by: 'operator', seeds, timeoutMs: 60_000 })
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
])('%s with %j is answered with %i', async (url, payload, status, detail) => {
  const response = await node.post(url, payload)

  expect(response.statusCode).toBe(status)
  expect(response.json()).toMatchObject({ detail: expect.stringContaining(detail) })
})

test('an operation is asked of the node in its id', async () => {
  const get = (path: string) => node.app.inject(`/api/cluster/operations${path}`)

  const found = await get(`/${operation.id}`)
  expect(found.json()).toMatchObject({ operation })
  expect((await get('/node1_01KF0J4A699V8R7D2M5XNCJ4AA')).statusCode).toBe(404)
  expect((await get('/node7_01KF0J4A699V8R7D2M5XNCJ4AT')).statusCode).toBe(503)
  expect((await get('/nonsense')).statusCode).toBe(400)
  expect((await get('?node=node1')).json()).toMatchObject({ operations: [operation] })
  expect((await get('?node=node7')).statusCode).toBe(503)
})

async function start() {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await startNatsServer())
  const bus = stack.use(connectBus({ url: nats.url, name: 'test', log: silent }))
  const metrics = createGatewayMetrics(createMetrics(), {
    trackedMessages: () => 0,
    unconfirmedEvents: () => 0,
    liveReaders: () => 0,
  })
  const app = createHttpServer({ bodyLimit: 10_000, metrics, log: silent })
  stack.defer(() => app.close())
  registerOperations(app, { config: { nodeId: 'node1' }, bus })

  const joins: unknown[] = []
  const parameters = { nodeId: 'node1' }
  stack.use(
    bus.respond(joinRequested, parameters, (wish) => {
      if (wish.seeds.includes('bad host'))
        throw new RefusalError('invalid', 'cannot join: bad host')
      joins.push(wish)
      return { operation }
    }),
  )
  stack.use(
    bus.respond(leaveRequested, parameters, () => {
      throw new RefusalError('conflict', 'last_member')
    }),
  )
  stack.use(
    bus.respond(operationQueried, parameters, ({ id }) => {
      if (id !== undefined && id !== operation.id) throw new RefusalError('not-found', 'unknown')
      return { operations: [operation] }
    }),
  )
  const { promise, resolve } = Promise.withResolvers<void>()
  stack.use(bus.onConnected(async () => resolve()))
  await promise
  const owned = stack.move()
  return {
    app,
    joins,
    post: (url: string, payload: object) => app.inject({ method: 'POST', url, payload }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
