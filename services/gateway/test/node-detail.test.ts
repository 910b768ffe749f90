import { type Bus, connectBus } from '@corroport/bus'
import {
  agentInspected,
  createParser,
  type NodeReply as NodeAnswer,
  NodeReply,
  nodeDescribed,
  RoundTripsReply,
} from '@corroport/contracts'
import { startCorrosionAgent, startNatsServer, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Caller, configOf, detailOf, silent, startNode } from './harness.ts'

const stack = new AsyncDisposableStack()
let api: Caller
let bus: Bus
let ofOther: Caller
let stopNats: () => Promise<void>

// Two gateways, of node1 and node2; node3 is declared, and nobody answers for it.
beforeAll(async () => {
  const nats = stack.use(await startNatsServer({ nodeIds: ['node1', 'node2'] }))
  const agent = stack.use(await startCorrosionAgent())
  const variables = { NATS_URL: nats.url, AGENT_URL: agent.url }
  const first = stack.use(await startNode(configOf(variables)))
  const second = stack.use(await startNode(configOf({ ...variables, NODE_ID: 'node2' })))
  bus = stack.use(connectBus({ url: nats.url, name: 'test', log: silent }))
  await until(() => bus.isConnected && first.bus.isConnected && second.bus.isConnected)
  api = first.api
  ofOther = second.api
  stopNats = () => nats.kill()
}, 30_000)
afterAll(async () => {
  await stack.disposeAsync()
})

test('a node is described alike by itself and through another one', async () => {
  const through = await api.get('/api/nodes/node2')
  const itself = await ofOther.get('/api/node')

  const { timestamp, ...described } = createParser('node', NodeReply)(through.body)
  expect(described.node_id).toBe('node2')
  expect(described.started_at).toBe(itself.body.started_at)
  expect(timestamp).toMatch(/Z$/)
})

test('a node diagnoses itself, and another one when it is asked to', async () => {
  const own = await api.get('/api/nodes/node1/diagnose')
  const other = await api.get('/api/nodes/node2/diagnose')

  const steps = (body: Record<string, unknown>) =>
    (body.steps as { step: string }[]).map(({ step }) => step)
  expect(steps(own.body)).toEqual(steps(other.body))
  expect(steps(own.body)).toContain('agent')
})

test('files and subscriptions of an agent come from its config-manager', async () => {
  const files = [
    {
      role: 'config' as const,
      path: '/etc/agent.toml',
      exists: true,
      size_bytes: 3,
      modified_at: '2026-01-15T10:00:00.000000Z',
      mode: '-rw-r-----',
      error: null,
    },
  ]
  await using _responder = bus.respond(agentInspected, { nodeId: 'node2' }, () => ({
    files,
    subscriptions: null,
    subscriptionsError: 'no admin socket is known',
  }))

  // Until the responder is subscribed, nobody answers.
  const { body } = await until(async () => {
    const answer = await api.get('/api/nodes/node2/agent')
    return answer.status === 200 && answer
  })

  expect(body).toMatchObject({
    inspected_node_id: 'node2',
    files,
    subscriptions: null,
    subscriptions_error: 'no admin socket is known',
    node_id: 'node1',
  })
})

test.each(['', '/diagnose', '/agent'])('/api/nodes/:id%s names who is not known', async (path) => {
  const unknown = await api.get(`/api/nodes/node9${path}`)
  const malformed = await api.get(`/api/nodes/a.b${path}`)

  expect(unknown.status).toBe(404)
  expect(detailOf(unknown)).toBe('there is no node node9: known are node1, node2, node3')
  expect(malformed.status).toBe(400)
})

test.each([
  ['', 'the gateway of node3 does not answer'],
  ['/diagnose', 'the gateway of node3 does not answer'],
  ['/agent', 'config-manager of node3 does not answer'],
])('/api/nodes/:id%s says who is away', async (path, detail) => {
  const answer = await api.get(`/api/nodes/node3${path}`)

  expect(answer.status).toBe(503)
  expect(detailOf(answer)).toContain(detail)
})

test('an answer that does not fit is not passed on', async () => {
  await using _responder = bus.respond(nodeDescribed, { nodeId: 'node3' }, () => {
    throw new Error('out of order')
  })

  const answer = await until(async () => {
    const found = await api.get('/api/nodes/node3')
    return found.status !== 503 && found
  })

  expect(answer.status).toBe(502)
  expect(detailOf(answer)).toContain('out of order')
})

test('round trips of nodes that say nothing are told to be unknown', async () => {
  const { body } = await api.get('/api/cluster/round-trips')

  const { nodes, rtt_ms, mean_ms } = createParser('round trips', RoundTripsReply)(body)
  expect(nodes.map(({ node_id, error }) => [node_id, error])).toEqual([
    ['node1', 'it has not said what it sees'],
    ['node2', 'it has not said what it sees'],
    ['node3', 'it has not said what it sees'],
  ])
  expect([rtt_ms.length, rtt_ms.flat().length, mean_ms]).toEqual([3, 9, null])
})

test('receptions of another node are asked of it', async () => {
  const unknown = await api.get('/api/receptions?node=node9')
  const away = await api.get('/api/receptions?node=node3')

  expect([unknown.status, away.status]).toEqual([404, 503])
  expect(detailOf(away)).toContain('the ack-sender of node3 does not answer')
})

// The last one: nobody has NATS any more after it.
test('while NATS is away a node still knows itself', async () => {
  await stopNats()

  const own = await api.get('/api/nodes/node1')
  const diagnosis = await api.get('/api/nodes/node1/diagnose')
  const other = await api.get('/api/nodes/node2')

  expect([own.status, diagnosis.status, other.status]).toEqual([200, 200, 503])
  expect((own.body as Partial<NodeAnswer>).subscriptions).toBeNull()
})
