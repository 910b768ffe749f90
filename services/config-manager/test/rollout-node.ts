// A node to be killed: what a rollout needs of its config-manager, with the agent as its child.
import { join } from 'node:path'
import { connectBus, openStateFile } from '@corroport/bus'
import { type AgentState, nodeAnnounced, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { openDirectory, openNodeKey, openViews } from '@corroport/identity'
import { createHealth, createMetrics } from '@corroport/service'
import pino from 'pino'
import { createAgentControl } from '../src/agent/agent-control.ts'
import { migrations as restartMigrations } from '../src/agent/restart-record.ts'
import { migrations as changeMigrations } from '../src/change/change-store.ts'
import { createConfigChanges } from '../src/change/config-changes.ts'
import {
  migrations as membershipMigrations,
  startMembership,
} from '../src/membership/membership.ts'
import { createOperations, migrations as operationMigrations } from '../src/operations.ts'
import { repeat } from '../src/repeat.ts'
import { migrations as rolloutMigrations, startRollouts } from '../src/rollout/rollouts.ts'
import type { RolloutNode } from './rollout-cluster.ts'

const node = JSON.parse(process.argv[2] ?? '') as RolloutNode
const { nodeId, natsUrl, agentUrl, gossip, folder, program } = node
const log = pino({ base: { nodeId }, level: 'info' }, pino.destination({ dest: 1, sync: true }))
const now = (): string => toTimestamp(nowMicroseconds())

const bus = connectBus({ url: natsUrl, name: `test/${nodeId}`, log })
const client = createCorrosionClient({ url: agentUrl })
const { publicKey, instanceId } = openNodeKey(folder)
const state = openStateFile({
  path: join(folder, 'config-manager.sqlite'),
  migrations: [
    ...operationMigrations,
    ...restartMigrations,
    ...changeMigrations,
    ...membershipMigrations,
    ...rolloutMigrations,
  ],
  bus,
  log,
})
const directory = openDirectory({ bus, log, path: join(folder, 'nodes.json') })
const views = openViews({ bus })
const control = createAgentControl(
  {
    kind: 'child',
    command: [program, 'agent', '-c', join(folder, 'agent.toml')],
    environment: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: folder },
    logPath: join(folder, 'agent.log'),
    stopTimeoutMs: 20_000,
    startTimeoutMs: node.startTimeoutMs,
  },
  { nodeId, stateDir: folder, state, client, health: createHealth('config-manager', nodeId), log },
)
const operations = createOperations({ nodeId, state, log })
const changes = createConfigChanges({
  nodeId,
  configPath: join(folder, 'agent.toml'),
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

const startedAt = now()
let agent: { state: AgentState; actorId: string | null } = { state: 'unreachable', actorId: null }
repeat(200, log, async () => {
  const actorId = await client.actorId({ timeoutMs: 500 }).catch(() => null)
  const isReady = actorId !== null && control.phase === 'running'
  agent = {
    state: isReady ? 'ready' : control.phase === 'restarting' ? 'restarting' : 'unreachable',
    actorId: actorId ?? agent.actorId,
  }
  bus.hint(
    nodeAnnounced,
    { nodeId },
    {
      nodeId,
      instanceId,
      region: 'local',
      publicKey,
      endpoints: { api: '127.0.0.1:4001', peer: '127.0.0.1:5001', gossip },
      state: 'active',
      stateAt: startedAt,
      version: '0.1.0',
      agent: { ...agent, stateSince: startedAt, url: agentUrl },
      startedAt,
      announcedAt: now(),
    },
  )
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
  agentStatus: async () => agent,
  gateTimeoutMs: node.gateTimeoutMs,
  silenceMs: node.silenceMs,
  log,
})
log.info('started')
