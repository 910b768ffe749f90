import { once } from 'node:events'
import { createServer } from 'node:http'
import { connectBus } from '@corroport/bus'
import { type NodeAnnounced, nodeAnnounced } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { createHealth, createMetrics } from '@corroport/service'
import { createTemporaryFolder, startCorrosionAgent, startNatsServer } from '@corroport/testing'
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

test('a node announces itself with its agent, and writes its row once', async () => {
  using folder = createTemporaryFolder()
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent()
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  await using client = createCorrosionClient({ url: agent.url })
  const heard: NodeAnnounced[] = []
  const { promise: isReady, resolve } = Promise.withResolvers<NodeAnnounced>()
  await using _hearing = bus.hear(nodeAnnounced, (announcement) => {
    heard.push(announcement)
    if (announcement.agent.state === 'ready') resolve(announcement)
  })
  const feed = await client.updates('node_configs')

  await using _node = await startConfigManager(configFor(agent.url, folder.path), {
    bus,
    log,
    health: createHealth('config-manager'),
    metrics: createMetrics(),
  })

  const announcement = await isReady
  expect(announcement).toMatchObject({
    nodeId: 'node1',
    region: 'iad',
    endpoints: { api: '127.0.0.1:4001', peer: '127.0.0.1:5001' },
    agent: { actorId: await client.actorId() },
  })
  for await (const change of feed.events) {
    expect(change.key).toEqual(['node1'])
    break
  }
  const { rows } = await client.query(
    'SELECT corrosion_actor_id, ack_endpoint, public_key, state FROM node_configs',
  )
  expect(rows).toEqual([
    [announcement.agent.actorId, '127.0.0.1:5001', announcement.publicKey, 'active'],
  ])
})

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

test('every variable that does not fit is named, with none of the values', () => {
  const read = () =>
    readConfig({ NODE_ID: 'a.b', AGENT_URL: 'http://x', METRICS_PORT: 'secret', STATE_DIR: '/x' })

  expect(read).toThrow(/NODE_ID .*\n?/)
  expect(read).toThrow(/METRICS_PORT/)
  expect(read).toThrow(/PEER_ENDPOINT is missing/)
  expect(read).not.toThrow(/secret/)
})
