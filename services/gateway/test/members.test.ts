import { join } from 'node:path'
import { type Bus, connectBus } from '@corroport/bus'
import {
  createParser,
  MembersReply,
  membersRemoved,
  type NodeViewed,
  nodeAnnounced,
  nodeViewed,
  nowMicroseconds,
  SightsReply,
  toTimestamp,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { openDirectory, openViews } from '@corroport/identity'
import { startCorrosionAgent, startNatsServer, until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { startMembers } from '../src/members/start-members.ts'
import { createRoster } from '../src/roster.ts'
import { registerMembers } from '../src/routes/members.ts'
import { announcementOf, createBareApp, newFolder, newPeer, silent } from './harness.ts'

const parseReply = createParser('members', MembersReply)

/** The route of node1's gateway, with a connection of its own. */
async function serveMembers(natsUrl: string, agentUrl: string, declaredNodes: string[]) {
  await using starting = new AsyncDisposableStack()
  const bus = starting.use(connectBus({ url: natsUrl, name: 'gateway/node1', log: silent }))
  const agent = starting.use(createCorrosionClient({ url: agentUrl }))
  const path = join(newFolder(), 'nodes.json')
  const config = { nodeId: 'node1', declaredNodes }
  const directory = starting.use(openDirectory({ bus, log: silent, path }))
  const views = starting.use(openViews({ bus }))
  const roster = starting.use(createRoster({ config, bus, directory, views }))
  const members = starting.use(startMembers({ config, bus, directory, views, agent, roster }))
  const app = createBareApp()
  registerMembers(app, { config, members })
  starting.defer(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return Object.assign(starting.move(), {
    bus,
    agent,
    async get() {
      const response = await fetch(`${url}/api/cluster/members`)
      expect(response.status).toBe(200)
      return parseReply(await response.json())
    },
    async sightsOf(nodeId: string) {
      const response = await fetch(`${url}/api/cluster/members/${nodeId}/sights`)
      return { status: response.status, body: await response.json() }
    },
  })
}

const peer2 = newPeer('node2')
const actor2 = '2'.repeat(32)

function announceNode2(bus: Bus): void {
  const { agent, ...rest } = announcementOf(peer2)
  bus.hint(nodeAnnounced, { nodeId: 'node2' }, { ...rest, agent: { ...agent, actorId: actor2 } })
}

/** What node1 says that it sees: node2, in this state, by its admin socket. */
function sayView(bus: Bus, state: 'alive' | 'down', link: NodeViewed['canaries'][number]['link']) {
  const at = toTimestamp(nowMicroseconds())
  const member = {
    actorId: actor2,
    address: '127.0.0.1:8788',
    state,
    incarnation: 3,
    identifiedAt: '1',
    ring: 0,
    rttsMs: [1, 2],
    lastSyncAt: at,
  }
  bus.hint(
    nodeViewed,
    { nodeId: 'node1' },
    {
      nodeId: 'node1',
      at,
      swim: { source: 'admin-socket', takenAt: at, error: null, members: [member] },
      sync: null,
      replication: null,
      canaries: [{ nodeId: 'node2', sequence: 5, ageMs: 100, link }],
      canaryIntervalMs: 2000,
      declared: { source: 'static', nodes: [], takenAt: at, error: null },
    },
  )
}

const of = (reply: MembersReply, nodeId: string) =>
  reply.members.find((member) => member.node_id === nodeId)

test('a node that was only declared is unheard, and merged with what is then heard of it', async () => {
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent()
  await using gateway = await serveMembers(nats.url, agent.url, ['node1', 'node2'])

  const before = await until(async () => {
    const reply = await gateway.get()
    return reply.sources.nats.connected && reply
  })
  expect(of(before, 'node2')).toMatchObject({
    nats: { presence: 'unheard', age_ms: null },
    declared: { is_declared: true, source: 'static' },
    is_agreed: false,
  })
  expect(before.disagreements.map(({ kind }) => kind)).toEqual(['declared-unheard'])

  const after = await until(async () => {
    announceNode2(gateway.bus)
    sayView(gateway.bus, 'alive', 'ok')
    const reply = await gateway.get()
    return of(reply, 'node2')?.link.state === 'ok' && reply
  })
  expect(after.disagreements).toEqual([])
  expect(after.sources).toMatchObject({
    swim: { source: 'admin-socket', count: 1 },
    nats: { connected: true, count: 1 },
  })
  expect(of(after, 'node2')).toMatchObject({
    actor_id: actor2,
    gossip_address: '127.0.0.1:8788',
    region: 'iad',
    nats: { presence: 'present' },
    swim: { state: 'alive', incarnation: 3, rtts_ms: [1, 2] },
    is_agreed: true,
  })

  const parted = await until(async () => {
    announceNode2(gateway.bus)
    sayView(gateway.bus, 'down', 'partitioned?')
    const reply = await gateway.get()
    return of(reply, 'node2')?.link.state === 'partitioned?' && reply
  })
  expect(parted.disagreements.map(({ kind }) => kind)).toEqual(['swim-down-nats-up', 'partitioned'])
})

test('how every other node sees a member is answered; of what is no member, 404', async () => {
  await using nats = await startNatsServer()
  await using gateway = await serveMembers(nats.url, 'http://127.0.0.1:1', ['node2', 'node3'])

  await until(async () => {
    announceNode2(gateway.bus)
    sayView(gateway.bus, 'down', 'ok')
    return of(await gateway.get(), 'node2')?.swim.state === 'down'
  })

  const { status, body } = await gateway.sightsOf('node2')
  expect(status).toBe(200)
  expect(createParser('sights', SightsReply)(body)).toMatchObject({
    seen_node_id: 'node2',
    sights: [
      { node_id: 'node1', state: 'down' },
      { node_id: 'node3', state: null },
    ],
  })
  expect(await gateway.sightsOf('node9')).toMatchObject({
    status: 404,
    body: { detail: 'there is no member node9' },
  })
})

test('the actor id of a row is a former one when another is announced', async () => {
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent()
  await using gateway = await serveMembers(nats.url, agent.url, [])
  const former = 'f'.repeat(32)
  await gateway.agent.transact([
    [
      "INSERT INTO node_configs (node_id, corrosion_actor_id) VALUES ('node2', ?), ('no node', 'x')",
      [former],
    ],
  ])

  const reply = await until(async () => {
    announceNode2(gateway.bus)
    const got = await gateway.get()
    return of(got, 'node2')?.former_actor_ids.length === 1 && got
  })

  expect(of(reply, 'node2')).toMatchObject({ actor_id: actor2, former_actor_ids: [former] })
  expect(reply.members.map(({ node_id }) => node_id)).toEqual(['node1', 'node2'])
  expect(reply.disagreements.map(({ kind }) => kind)).toEqual(['actor-id-differs'])
})

test('without NATS the last that is known is answered, with its age, and SWIM comes from the table', async () => {
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent()
  await using gateway = await serveMembers(nats.url, agent.url, ['node1', 'node2'])
  await until(async () => {
    announceNode2(gateway.bus)
    sayView(gateway.bus, 'alive', 'ok')
    return of(await gateway.get(), 'node2')?.link.state === 'ok'
  })

  await nats.kill()

  const reply = await until(async () => {
    const got = await gateway.get()
    return got.sources.swim.source === 'table' && of(got, 'node2')?.nats.presence === 'lost' && got
  })
  expect(reply.sources).toMatchObject({ swim: { error: null }, nats: { connected: false } })
  expect(reply.disagreements).toEqual([])
  expect(of(reply, 'node2')).toMatchObject({
    actor_id: actor2,
    agent: { state: 'ready' },
    link: { state: 'unknown' },
  })
  expect(of(reply, 'node2')?.nats.age_ms).toBeGreaterThan(3000)
})

test('with everything away it answers all the same', async () => {
  await using gateway = await serveMembers('nats://127.0.0.1:1', 'http://127.0.0.1:1', ['node2'])

  const reply = await gateway.get()

  expect(reply.members.map(({ node_id }) => node_id)).toEqual(['node1', 'node2'])
  expect(reply.sources.swim).toMatchObject({ source: 'none', count: 0, age_ms: null })
})

test('a node that was removed is no member any more, until it is heard again', async () => {
  await using nats = await startNatsServer()
  await using gateway = await serveMembers(nats.url, 'http://127.0.0.1:1', [])
  await until(async () => {
    announceNode2(gateway.bus)
    return of(await gateway.get(), 'node2')
  })

  await until(async () => {
    gateway.bus.hint(
      membersRemoved,
      { nodeId: 'node1' },
      { nodeId: 'node1', removed: [{ nodeId: 'node2', actorIds: [] }] },
    )
    return of(await gateway.get(), 'node2') === undefined
  })

  announceNode2(gateway.bus)
  await until(async () => of(await gateway.get(), 'node2'))
})
