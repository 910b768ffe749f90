import { CommandError } from '@corroport/bus'
import { claimBucket, nodeAnnounced, receptionsQueried } from '@corroport/contracts'
import { startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { connect } from '@nats-io/transport-node'
import { openBus } from './harness.ts'

const announcement = {
  nodeId: 'node1',
  instanceId: 'i1',
  region: 'iad',
  publicKey: 'A'.repeat(43),
  endpoints: { api: '127.0.0.1:4001', peer: '127.0.0.1:5001', gossip: null },
  state: 'active' as const,
  stateAt: '2026-01-15T10:00:00Z',
  version: '0.1.0',
  agent: {
    state: 'ready' as const,
    stateSince: '2026-01-15T10:00:00Z',
    actorId: null,
    url: 'http://127.0.0.1:8081',
  },
  startedAt: '2026-01-15T10:00:00Z',
  announcedAt: '2026-01-15T10:00:00Z',
}

test('a hint is heard, with a trace', async () => {
  await using nats = await startNatsServer()
  await using bus = openBus(nats.url)
  const heard: string[] = []
  await using _hearing = bus.hear(nodeAnnounced, ({ nodeId }) => void heard.push(nodeId))
  const raw = await connect({ servers: nats.url })
  const traces: string[] = []
  raw.subscribe('corro.hint.>', {
    callback: (_, message) => void traces.push(message.headers?.get('traceparent') ?? ''),
  })
  await raw.flush()

  await until(() => bus.hint(nodeAnnounced, { nodeId: 'node1' }, announcement) && heard.length > 0)

  await until(() => traces.length > 0)
  expect(traces[0]).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)
  await raw.close()
})

test('a hint that does not fit its contract is dropped, the next is heard', async () => {
  await using nats = await startNatsServer()
  await using bus = openBus(nats.url)
  const heard: string[] = []
  await using _hearing = bus.hear(nodeAnnounced, ({ nodeId }) => void heard.push(nodeId))
  const raw = await connect({ servers: nats.url })
  await until(() => bus.isConnected)

  await until(() => {
    raw.publish('corro.hint.node.node9', '{"nodeId":')
    raw.publish('corro.hint.node.node9', '{"nodeId":"a.b"}')
    return bus.hint(nodeAnnounced, { nodeId: 'node1' }, announcement) && heard.length > 0
  })

  expect(new Set(heard)).toEqual(new Set(['node1']))
  await raw.close()
})

test('a hint is not sent while nats is away', async () => {
  await using nats = await startNatsServer()
  await nats.kill()
  await using bus = openBus(nats.url)

  expect(bus.hint(nodeAnnounced, { nodeId: 'node1' }, announcement)).toBe(false)
})

test('a value that is no token never becomes a subject', async () => {
  await using nats = await startNatsServer()
  await using bus = openBus(nats.url)

  expect(() => bus.hint(nodeAnnounced, { nodeId: 'a.>' }, announcement)).toThrow(
    'cannot be a token',
  )
})

test('a command is answered', async () => {
  await using nats = await startNatsServer()
  await using server = openBus(nats.url)
  await using client = openBus(nats.url)
  await using _responding = server.respond(receptionsQueried, { nodeId: 'node1' }, ({ min }) => ({
    receptions: [],
    total: min,
  }))
  await until(() => server.isConnected && client.isConnected)

  const reply = await until(() =>
    client
      .request(receptionsQueried, { nodeId: 'node1' }, { min: 2, limit: 10 })
      .catch((error: unknown) => {
        // Until the server's subscription has reached nats, nobody answers.
        if (error instanceof CommandError && error.reason === 'unavailable') return undefined
        throw error
      }),
  )

  expect(reply).toEqual({ receptions: [], total: 2 })
})

test('a command that nobody answers, that is refused, or that meets no nats says which', async () => {
  await using nats = await startNatsServer()
  await using server = openBus(nats.url)
  await using client = openBus(nats.url)
  await using _responding = server.respond(receptionsQueried, { nodeId: 'node1' }, () => {
    throw new Error('state file is gone')
  })
  const ask = (nodeId: string): Promise<unknown> =>
    client
      .request(receptionsQueried, { nodeId }, { min: 1, limit: 1 })
      .catch((error: unknown) => error)
  await until(() => server.isConnected && client.isConnected)

  const refused = await until(async () => {
    const error = await ask('node1')
    return error instanceof CommandError && error.reason === 'refused' && error
  })
  expect(refused.message).toContain('state file is gone')
  expect(await ask('node2')).toMatchObject({ reason: 'unavailable' })
  await nats.kill()
  await until(() => !client.isConnected)
  expect(await ask('node1')).toMatchObject({ reason: 'unavailable' })
})

test('a name that another instance holds is refused, its own instance takes it back', async () => {
  await using nats = await startNatsServer()
  const claim = (instanceId: string) => ({
    claim: { names: ['node1.gateway'], instanceId, holder: `host (${instanceId})` },
  })
  await using first = openBus(nats.url, claim('a'))
  await until(() => first.isConnected)
  await using again = openBus(nats.url, claim('a'))
  await until(() => again.isConnected)

  await using second = openBus(nats.url, claim('b'))

  expect(await second.refused).toMatch(/^node1.gateway is in use by host \(a\), last seen /)
  expect(second.isConnected).toBe(false)
})

test('who waits for a name has it when the other has let it lapse, and says until then who has it', async () => {
  await using nats = await startNatsServer()
  const claim = (instanceId: string) => ({
    claim: { names: ['node1.edge-proxy'], instanceId, holder: `host (${instanceId})`, waits: true },
  })
  const first = openBus(nats.url, claim('a'))
  await until(() => first.isConnected)
  await using second = openBus(nats.url, claim('b'))

  await until(() => second.problem === 'node1.edge-proxy is in use by host (a)')
  expect(second.isConnected).toBe(false)
  await first[Symbol.asyncDispose]()

  await until(() => second.isConnected, 2 * claimBucket.ttlMs)
}, 30_000)

test('a bus that never met nats closes at once', async () => {
  const bus = openBus('nats://127.0.0.1:1')

  await bus[Symbol.asyncDispose]()

  expect(bus.isConnected).toBe(false)
})
