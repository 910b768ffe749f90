import { once } from 'node:events'
import { appendFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { connectBus } from '@corroport/bus'
import {
  clockProbed,
  type NodeAnnounced,
  nodeAnnounced,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { createHealth, createMetrics } from '@corroport/service'
import {
  createTemporaryFolder,
  freePort,
  startCorrosionAgent,
  startNatsServer,
  until,
} from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { readConfig } from '../src/config.ts'
import { startConfigManager } from '../src/service.ts'

const log = pino({ level: 'silent' })

function configFor(agentUrl: string, stateDir: string, configPath = '/nowhere/agent.toml') {
  return readConfig({
    NODE_ID: 'node1',
    REGION: 'iad',
    AGENT_URL: agentUrl,
    STATE_DIR: stateDir,
    AGENT_CONFIG: configPath,
    API_ENDPOINT: '127.0.0.1:4001',
    PEER_ENDPOINT: '127.0.0.1:5001',
    METRICS_PORT: '9461',
  })
}

test('a node announces itself with its agent, joins, and writes its row', async () => {
  using folder = createTemporaryFolder()
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  await using client = createCorrosionClient({ url: agent.url })
  const { promise: isReady, resolve } = Promise.withResolvers<NodeAnnounced>()
  await using _hearing = bus.hear(nodeAnnounced, (announcement) => {
    if (announcement.agent.state === 'ready') resolve(announcement)
  })
  const metrics = createMetrics()

  await using _node = await startConfigManager(configFor(agent.url, folder.path), {
    bus,
    log,
    health: createHealth('config-manager'),
    metrics,
  })

  const announcement = await isReady
  expect(announcement).toMatchObject({
    nodeId: 'node1',
    region: 'iad',
    endpoints: { api: '127.0.0.1:4001', peer: '127.0.0.1:5001' },
    agent: { actorId: await client.actorId() },
  })
  const row = await until(async () => {
    const { rows } = await client.query(
      'SELECT node_id, corrosion_actor_id, ack_endpoint, public_key, state FROM node_configs',
    )
    return rows[0]?.at(-1) === 'active' && rows[0]
  })
  expect(row.slice(0, -1)).toEqual([
    'node1',
    announcement.agent.actorId,
    '127.0.0.1:5001',
    announcement.publicKey,
  ])
  expect(await metrics.metrics()).toContain('corro_join_seconds_count 1')
})

test('a node tells which program its agent is', async () => {
  using folder = createTemporaryFolder()
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent()
  const configPath = join(agent.folder, 'agent.toml')
  appendFileSync(configPath, `\n[telemetry]\nprometheus.addr = "127.0.0.1:${await freePort()}"\n`)
  await agent.restart('SIGKILL')
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  let heard: NodeAnnounced['agent'] | undefined
  await using _hearing = bus.hear(nodeAnnounced, (announcement) => {
    heard = announcement.agent
  })

  await using _node = await startConfigManager(configFor(agent.url, folder.path, configPath), {
    bus,
    log,
    health: createHealth('config-manager'),
    metrics: createMetrics(),
  })

  const hasVersion = agent.kind === 'real'
  await until(
    () => heard?.kind === agent.kind && /^\d+\.\d+\.\d+/.test(heard.version ?? '') === hasVersion,
  )
}, 20_000)

test('a node whose agent hangs goes on announcing, and says so', async () => {
  using folder = createTemporaryFolder()
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  const hanging = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(hanging, 'listening')
  const address = hanging.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const { promise: second, resolve } = Promise.withResolvers<NodeAnnounced>()
  let count = 0
  await using _hearing = bus.hear(nodeAnnounced, (announcement) => {
    count += 1
    if (count === 2) resolve(announcement)
  })

  await using _node = await startConfigManager(configFor(`http://127.0.0.1:${port}`, folder.path), {
    bus,
    log,
    health: createHealth('config-manager'),
    metrics: createMetrics(),
  })

  expect((await second).agent).toMatchObject({ state: 'unreachable', actorId: null })
  hanging.closeAllConnections()
  hanging.close()
})

test('the announced gossip address is that of the file, also after it was edited or is gone', async () => {
  using folder = createTemporaryFolder()
  const path = join(folder.path, 'agent.toml')
  const write = (address: string) => writeFileSync(path, `[gossip]\naddr = "${address}"\n`)
  write('127.0.0.1:8787')
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  let latest: NodeAnnounced | undefined
  await using _hearing = bus.hear(nodeAnnounced, (announcement) => {
    latest = announcement
  })
  await using _node = await startConfigManager(configFor('http://127.0.0.1:1', folder.path, path), {
    bus,
    log,
    health: createHealth('config-manager'),
    metrics: createMetrics(),
  })
  const announces = (address: string | null) => until(() => latest?.endpoints.gossip === address)

  await announces('127.0.0.1:8787')
  write('127.0.0.1:8788')
  await announces('127.0.0.1:8788')
  rmSync(path)
  await announces(null)
})

test('the clock of a node is answered while its agent is away', async () => {
  using folder = createTemporaryFolder()
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  await using _node = await startConfigManager(configFor('http://127.0.0.1:1', folder.path), {
    bus,
    log,
    health: createHealth('config-manager'),
    metrics: createMetrics(),
  })
  await until(() => bus.isConnected)

  const askedAt = toTimestamp(nowMicroseconds())
  const { heardAt, answeredAt } = await bus.request(clockProbed, { nodeId: 'node1' }, {})

  const times = [askedAt, heardAt, answeredAt, toTimestamp(nowMicroseconds())]
  expect(times).toEqual(times.toSorted())
})

test('every variable that does not fit is named, with none of the values', () => {
  const read = () =>
    readConfig({ NODE_ID: 'a.b', AGENT_URL: 'http://x', METRICS_PORT: 'secret', STATE_DIR: '/x' })

  expect(read).toThrow(/NODE_ID .*\n?/)
  expect(read).toThrow(/METRICS_PORT/)
  expect(read).toThrow(/PEER_ENDPOINT is missing/)
  expect(read).not.toThrow(/secret/)
})
