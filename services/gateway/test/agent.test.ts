import { type Bus, connectBus, RefusalError } from '@corroport/bus'
import { agentRestartRequested, type Operation } from '@corroport/contracts'
import { createMetrics } from '@corroport/service'
import { type NatsServer, startNatsServer, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type App, createHttpServer } from '../src/http-server.ts'
import { createGatewayMetrics } from '../src/metrics.ts'
import { registerAgent } from '../src/routes/agent.ts'
import { silent } from './harness.ts'

let nats: NatsServer
let bus: Bus
let app: App
beforeAll(async () => {
  nats = await startNatsServer()
  bus = connectBus({ url: nats.url, name: 'test', log: silent })
  const metrics = createGatewayMetrics(createMetrics(), {
    trackedMessages: () => 0,
    unconfirmedEvents: () => 0,
    liveReaders: () => 0,
  })
  app = createHttpServer({ bodyLimit: 1024, metrics, log: silent })
  registerAgent(app, { config: { nodeId: 'node1' }, bus })
  await until(() => bus.isConnected)
})
afterAll(async () => {
  await app.close()
  await bus[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

const operation: Operation = {
  id: 'node2_01HZXW7V2Q3M4N5P6R7S8T9V0W',
  kind: 'restart',
  node_id: 'node2',
  by: 'operator',
  state: 'running',
  reason: null,
  steps: [],
  started_at: '2026-01-15T10:00:00.000000Z',
  finished_at: null,
}

const restart = (body?: object) =>
  app.inject({
    method: 'POST',
    url: '/api/node/restart',
    ...(body && { headers: { 'content-type': 'application/json' }, payload: JSON.stringify(body) }),
  })

/** Answers as the config-manager of a node would, once NATS knows of it. */
async function answering(nodeId: string, answer: (request: object) => Operation) {
  const responder = bus.respond(agentRestartRequested, { nodeId }, (request) => ({
    operation: answer(request),
  }))
  await until(() => bus.isConnected)
  return responder
}

test('a restart is asked of the node that is named, and answered with its operation', async () => {
  const heard: object[] = []
  await using _responder = await answering('node2', (request) => {
    heard.push(request)
    return operation
  })

  const answer = await restart({ node_id: 'node2', reason: 'new certificate' })

  expect(answer.statusCode).toBe(202)
  expect(answer.json()).toMatchObject({ operation, node_id: 'node1' })
  expect(heard).toEqual([{ by: 'operator', reason: 'new certificate' }])
})

test('without a body it is of this node', async () => {
  const own = { ...operation, node_id: 'node1' }
  await using _responder = await answering('node1', () => own)

  expect((await restart()).json()).toMatchObject({ operation: own })
})

test('a node that is busy refuses with 423, and who is not there is named with 503', async () => {
  await using _responder = await answering('node2', () => {
    throw new RefusalError('locked', 'node2 is busy')
  })

  const busy = await restart({ node_id: 'node2' })
  const absent = await restart({ node_id: 'node3' })

  expect([busy.statusCode, busy.json()]).toMatchObject([423, { detail: 'node2 is busy' }])
  expect([absent.statusCode, absent.json()]).toMatchObject([
    503,
    { detail: 'config-manager of node3 does not answer' },
  ])
})

test.each([{ node_id: 'a.b' }, { node: 'node2' }, { reason: 1 }])(
  '%j is refused before anybody is asked',
  async (body) => {
    expect((await restart(body)).statusCode).toBe(400)
  },
)
