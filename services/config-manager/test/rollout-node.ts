// A node to be killed: what a rollout needs of its config-manager, with the agent as its child.
import { join } from 'node:path'
import { connectBus, openStateFile } from '@corroport/bus'
import { nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { openDirectory, openNodeKey, openViews } from '@corroport/identity'
import { createHealth, createMetrics } from '@corroport/service'
import pino from 'pino'
import { createAgentControl } from '../src/agent/agent-control.ts'
import { createAgentProbe } from '../src/agent-probe.ts'
import { startAnnouncing } from '../src/announce.ts'
import { createConfigChanges } from '../src/change/config-changes.ts'
import { startMembership } from '../src/membership/membership.ts'
import { migrations } from '../src/migrations.ts'
import { createOperations } from '../src/operations.ts'
import { startRollouts } from '../src/rollout/rollouts.ts'
import type { RolloutNode } from './rollout-cluster.ts'

const node = JSON.parse(process.argv[2] ?? '') as RolloutNode
const { nodeId, natsUrl, agentUrl, folder, program } = node
const log = pino({ base: { nodeId }, level: 'info' }, pino.destination({ dest: 1, sync: true }))
const configPath = join(folder, 'agent.toml')

const bus = connectBus({ url: natsUrl, name: `test/${nodeId}`, log })
const client = createCorrosionClient({ url: agentUrl })
const { publicKey, instanceId } = openNodeKey(folder)
const state = openStateFile({
  path: join(folder, 'config-manager.sqlite'),
  migrations,
  bus,
  log,
})
const directory = openDirectory({ bus, log, path: join(folder, 'nodes.json') })
const views = openViews({ bus })
const control = createAgentControl(
  {
    kind: 'child',
    command: [program, 'agent', '-c', configPath],
    environment: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: folder },
    logPath: join(folder, 'agent.log'),
    stopTimeoutMs: 20_000,
    startTimeoutMs: 20_000,
  },
  { nodeId, stateDir: folder, state, client, health: createHealth('config-manager', nodeId), log },
)
const operations = createOperations({ nodeId, state, log })
const changes = createConfigChanges({
  nodeId,
  configPath,
  canonicalPath: null,
  state,
  agent: control,
  log,
})
startMembership({
  nodeId,
  settings: {
    adminSocketPath: join(folder, 'admin.sock'),
    canaryIntervalMs: 2000,
    discovery: { type: 'static', nodes: [] },
  },
  agent: client,
  bus,
  directory,
  views,
  state,
  registry: createMetrics(),
  log,
})

const probe = createAgentProbe(client, log)
startAnnouncing({
  identity: {
    nodeId,
    instanceId,
    region: 'local',
    publicKey,
    endpoints: { api: '127.0.0.1:4001', peer: '127.0.0.1:5001' },
    agentUrl,
  },
  everyMs: 200,
  configPath,
  agent: client,
  bus,
  probe,
  changes,
  control,
  own: { current: { state: 'active', since: toTimestamp(nowMicroseconds()) } },
  log,
})

await changes.recover()
startRollouts({
  nodeId,
  bus,
  state,
  changes,
  operations,
  views,
  directory,
  agentStatus: () => probe.look(),
  onFailover: (seconds) => log.info({ seconds }, 'took over'),
  gateTimeoutMs: node.gateTimeoutMs,
  silenceMs: node.silenceMs,
  log,
})
log.info('started')
