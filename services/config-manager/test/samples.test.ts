import { once } from 'node:events'
import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type Bus, connectBus, openStateFile, readStream } from '@corroport/bus'
import { type NodeSampled, nodeSampled } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { createMetrics } from '@corroport/service'
import {
  type CorrosionAgent,
  createTemporaryFolder,
  freePort,
  startCorrosionAgent,
  startNatsServer,
  until,
} from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { developmentAgent } from '../../../infra/setup/find-agent.mjs'
import { type SamplesDeps, startSamples } from '../src/samples/start-samples.ts'

const log = pino({ level: 'silent' })

/** Samples of node1 in this process, with a state file of their own. */
async function startSampling(options: {
  natsUrl: string
  agentUrl: string
  configPath: string
  control: SamplesDeps['control']
}) {
  await using starting = new AsyncDisposableStack()
  const folder = starting.use(createTemporaryFolder())
  const bus = starting.use(connectBus({ url: options.natsUrl, name: 'test', log }))
  const path = join(folder.path, 'state.sqlite')
  const state = starting.use(openStateFile({ path, migrations: [], bus, log }))
  const agent = starting.use(createCorrosionClient({ url: options.agentUrl }))
  const registry = createMetrics()
  starting.use(startSamples({ nodeId: 'node1', state, agent, registry, log, ...options }))
  return Object.assign(starting.move(), { bus, agent, registry })
}

async function told(bus: Bus): Promise<NodeSampled[]> {
  const records = await readStream(bus, 'SAMPLES')
  return records.map(({ text }) => nodeSampled.parse(JSON.parse(text)))
}

async function exportMetrics(agent: CorrosionAgent): Promise<string> {
  const configPath = join(agent.folder, 'agent.toml')
  appendFileSync(configPath, `\n[telemetry]\nprometheus.addr = "127.0.0.1:${await freePort()}"\n`)
  await agent.restart('SIGKILL')
  return configPath
}

test.each([
  ['the agent of this machine', undefined],
  ['a development agent', developmentAgent.path],
])('%s is sampled each five seconds, by the names of its own figures', async (_, binary) => {
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent(binary === undefined ? {} : { binary })
  const configPath = await exportMetrics(agent)
  await using sampling = await startSampling({
    natsUrl: nats.url,
    agentUrl: agent.url,
    configPath,
    control: agent,
  })
  const row = "INSERT INTO node_messages (pk, node_id, message) VALUES ('a', 'node1', 'hello')"
  await sampling.agent.transact([row])

  const [first, second] = await until(async () => {
    const samples = await told(sampling.bus)
    return samples.length >= 2 && samples
  })

  expect(first?.agent).toMatchObject({ pid: agent.pid, cpuPercent: null, gaps: 0 })
  expect(second?.intervalMs).toBeGreaterThan(4500)
  expect(second?.intervalMs).toBeLessThan(7000)
  expect(second?.agent.cpuPercent).toBeGreaterThanOrEqual(0)
  expect(second?.agent.residentBytes).toBeGreaterThan(1e6)
  expect(second?.agent.databaseBytes).toBeGreaterThanOrEqual(4096)
  expect(second?.agent.walBytes).toBeGreaterThan(0)
  expect(second?.agent.metrics.corro_changes_committed).toBeGreaterThan(0)
  expect(second?.agent.metrics.corro_db_size).toBeGreaterThan(0)
  expect(second?.agent.metrics).toHaveProperty('corro_gossip_members')
  expect(second?.services.loopDelayP99Ms).toBeGreaterThan(0)
  expect(second?.services.heapBytes).toBeGreaterThan(1e6)
  expect(second?.services.cpuPercent).toBeGreaterThan(0)
  expect(await sampling.registry.metrics()).toMatch(/^corro_agent_resident_bytes \d{7,}$/m)
})

test('an agent that hangs everywhere delays no sample, and what it did not tell is null', async () => {
  await using nats = await startNatsServer()
  using folder = createTemporaryFolder()
  const hanging = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(hanging, 'listening')
  const address = hanging.address()
  const host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const configPath = join(folder.path, 'agent.toml')
  const database = join(folder.path, 'none.db')
  writeFileSync(
    configPath,
    `[db]\npath = ${JSON.stringify(database)}\n[telemetry]\nprometheus.addr = "${host}"\n`,
  )
  await using sampling = await startSampling({
    natsUrl: nats.url,
    agentUrl: `http://${host}`,
    configPath,
    control: { pid: undefined },
  })

  const [, second] = await until(async () => {
    const samples = await told(sampling.bus)
    return samples.length >= 2 && samples
  })

  expect(second?.intervalMs).toBeLessThan(7000)
  expect(second?.agent).toEqual({
    pid: null,
    residentBytes: null,
    cpuPercent: null,
    databaseBytes: null,
    walBytes: null,
    gaps: null,
    p99LagSeconds: null,
    queueSize: null,
    metrics: {},
  })
  expect(second?.services.heapBytes).toBeGreaterThan(1e6)
  hanging.closeAllConnections()
  hanging.close()
})

test('a file that is missing costs only what stands in it', async () => {
  await using nats = await startNatsServer()
  await using agent = await startCorrosionAgent()
  await using sampling = await startSampling({
    natsUrl: nats.url,
    agentUrl: agent.url,
    configPath: join(agent.folder, 'none.toml'),
    control: agent,
  })

  const [first] = await until(async () => {
    const samples = await told(sampling.bus)
    return samples.length >= 1 && samples
  })

  expect(first?.agent).toMatchObject({ databaseBytes: null, walBytes: null, metrics: {}, gaps: 0 })
  expect(first?.agent.residentBytes).toBeGreaterThan(1e6)
})
