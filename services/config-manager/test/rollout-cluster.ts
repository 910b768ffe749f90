import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bus, CommandError, connectBus } from '@corroport/bus'
import {
  type ConfigEdit,
  configPlanned,
  nodeAnnounced,
  type Plan,
  type Rollout,
  rolloutStarted,
  rolloutsQueried,
} from '@corroport/contracts'
import { endProcess, readPidFile } from '@corroport/node-process/process-ref.ts'
import {
  createTemporaryFolder,
  freePort,
  type NatsServer,
  startNatsServer,
  until,
} from '@corroport/testing'
import pino from 'pino'

export const by = 'operator'
const schemas = join(import.meta.dirname, '../../../corrosion/schemas')
const ended: readonly Rollout['state'][] = ['succeeded', 'stopped', 'aborted']

let edits = 0
/** What no file has yet, and what makes no difference. */
export function newEdit(): ConfigEdit {
  edits += 1
  return { settings: { 'perf.sql_tx_timeout': 60 + edits } }
}
/** With it an agent does not start. */
export const brokenEdit: ConfigEdit = { settings: { 'telemetry.prometheus.addr': '192.0.2.1:9' } }

/** What a node's process is told. */
export interface RolloutNode {
  nodeId: string
  natsUrl: string
  agentUrl: string
  gossip: string
  folder: string
  program: string
  gateTimeoutMs: number
  silenceMs: number
}

export interface RolloutClusterOptions {
  count: number
  /** Of the agents. */
  program: string
  gateTimeoutMs?: number
  silenceMs?: number
}

export interface RolloutCluster extends AsyncDisposable {
  readonly nats: NatsServer
  readonly bus: Bus
  readonly nodes: readonly RolloutNode[]
  start(nodeId: string): Promise<void>
  /** Its config-manager; the agent stays. */
  kill(nodeId: string, signal?: NodeJS.Signals): Promise<void>
  fileOf(nodeId: string): string
  digest(nodeId: string): string
  logOf(nodeId: string): string
  plan(edit: ConfigEdit, from?: string): Promise<Plan>
  apply(plan: Plan, from?: string): Promise<Rollout>
  /** Waits until a node's file is the new one of its step. */
  untilWritten(rollout: Rollout, nodeId: string): Promise<void>
  /** As `from` knows it. */
  rollout(id: string, from?: string): Promise<Rollout | undefined>
  untilEnded(id: string, from?: string): Promise<Rollout>
  /** Waits until the plan of an edit has nothing against it: all nodes are there and whole. */
  untilPlanned(edit: ConfigEdit, from?: string): Promise<Plan>
  /** Plans and applies it, again where a node turns out to be busy in between. */
  untilBegun(edit: ConfigEdit, from?: string): Promise<Rollout>
}

/** Nodes in processes of their own, each with an agent, around a real nats-server. */
export async function startRolloutCluster(options: RolloutClusterOptions): Promise<RolloutCluster> {
  const { count, program, gateTimeoutMs = 20_000, silenceMs = 20_000 } = options
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await startNatsServer())
  const home = stack.use(createTemporaryFolder())
  const bus = stack.use(connectBus({ url: nats.url, name: 'test', log: pino({ level: 'silent' }) }))
  const heard = new Map<string, number>()
  stack.use(
    bus.hear(nodeAnnounced, ({ nodeId }) => {
      heard.set(nodeId, performance.now())
    }),
  )
  const nodes: RolloutNode[] = []
  for (let index = 1; index <= count; index += 1) {
    const nodeId = `node${index}`
    const agentUrl = `http://127.0.0.1:${await freePort()}`
    const gossip = `127.0.0.1:${await freePort()}`
    const folder = join(home.path, nodeId)
    mkdirSync(folder)
    const natsUrl = nats.url
    const timeouts = { gateTimeoutMs, silenceMs }
    nodes.push({ nodeId, natsUrl, agentUrl, gossip, folder, program, ...timeouts })
  }
  const seeds = nodes.map(({ gossip }) => gossip)
  for (const node of nodes) writeAgentFile(node, seeds)

  const find = (nodeId: string): RolloutNode => {
    const node = nodes.find((one) => one.nodeId === nodeId)
    if (!node) throw new Error(`there is no ${nodeId}`)
    return node
  }
  const children = new Map<string, ChildProcess>()
  stack.defer(async () => {
    await Promise.all(nodes.map(({ nodeId }) => cluster.kill(nodeId)))
    for (const { folder } of nodes) {
      const agent = readPidFile(join(folder, 'agent.pid'))
      if (agent) await endProcess(agent, 0)
    }
  })

  const cluster: Omit<RolloutCluster, keyof AsyncDisposable> = {
    nats,
    bus,
    nodes,
    async start(nodeId) {
      const node = find(nodeId)
      const output = openSync(join(node.folder, 'log'), 'a')
      const main = join(import.meta.dirname, 'rollout-node.ts')
      const child = spawn(process.execPath, [main, JSON.stringify(node)], {
        stdio: ['ignore', output, output],
      })
      children.set(nodeId, child)
      const startedAt = performance.now()
      await until(() => {
        if (child.exitCode !== null) throw new Error(`${nodeId} ended: ${cluster.logOf(nodeId)}`)
        return (heard.get(nodeId) ?? 0) > startedAt
      })
    },
    async kill(nodeId, signal = 'SIGKILL') {
      const child = children.get(nodeId)
      if (!child) return
      child.kill(signal)
      if (signal !== 'SIGKILL') return
      children.delete(nodeId)
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
    fileOf: (nodeId) => join(find(nodeId).folder, 'agent.toml'),
    digest: (nodeId) =>
      createHash('sha256')
        .update(readFileSync(cluster.fileOf(nodeId)))
        .digest('hex'),
    logOf: (nodeId) => readFileSync(join(find(nodeId).folder, 'log'), 'utf8'),
    async plan(edit, from = 'node1') {
      const request = { edit, nodes: 'all' as const, by }
      return (await bus.request(configPlanned, { nodeId: from }, request)).plan
    },
    async apply(plan, from = 'node1') {
      const request = { planId: plan.id, by }
      return (await bus.request(rolloutStarted, { nodeId: from }, request)).rollout
    },
    async untilWritten(rollout, nodeId) {
      const after = rollout.nodes.find(({ node_id }) => node_id === nodeId)?.sha256_after
      await until(() => cluster.digest(nodeId) === after)
    },
    async rollout(id, from = 'node2') {
      try {
        return (await bus.request(rolloutsQueried, { nodeId: from }, { id })).rollouts[0]
      } catch (error) {
        // It is away for the moment.
        if (error instanceof CommandError && !error.refusal) return undefined
        throw error
      }
    },
    async untilEnded(id, from) {
      for (let version = 0; ; ) {
        // Each of its steps has the deadline of its own.
        const next = await until(async () => {
          const found = await cluster.rollout(id, from)
          return found && found.version > version && found
        })
        if (ended.includes(next.state)) return next
        version = next.version
      }
    },
    untilPlanned: (edit, from) =>
      until(async () => {
        const plan = await cluster.plan(edit, from).catch(() => undefined)
        return plan?.problems.length === 0 && plan.node_ids.length === count ? plan : undefined
      }),
    untilBegun: (edit, from) =>
      until(async () => {
        try {
          return await cluster.apply(await cluster.untilPlanned(edit, from), from)
        } catch (error) {
          if (error instanceof CommandError && error.refusal?.code === 'conflict') return undefined
          throw error
        }
      }),
  }
  await until(() => bus.isConnected)
  await Promise.all(nodes.map(({ nodeId }) => cluster.start(nodeId)))
  await cluster.untilPlanned(newEdit())
  return Object.assign(stack.move(), cluster)
}

function writeAgentFile({ folder, agentUrl, gossip }: RolloutNode, seeds: string[]): void {
  writeFileSync(
    join(folder, 'agent.toml'),
    `[db]
path = ${JSON.stringify(join(folder, 'corrosion.db'))}
schema_paths = [${JSON.stringify(schemas)}]
cache_size_kib = -16384
[gossip]
addr = "${gossip}"
client_addr = "127.0.0.1:0"
bootstrap = ${JSON.stringify(seeds)}
plaintext = true
[api]
addr = "${new URL(agentUrl).host}"
[admin]
path = ${JSON.stringify(join(folder, 'admin.sock'))}
`,
  )
}
