import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { connectBus, openStateFile } from '@corroport/bus'
import type { Operation } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { openDirectory, openNodeKey, openViews } from '@corroport/identity'
import { createHealth } from '@corroport/service'
import { createTemporaryFolder, freePort, type NatsServer, until } from '@corroport/testing'
import pino from 'pino'
import { developmentAgent } from '../../../infra/setup/find-agent.mjs'
import { createAgentControl } from '../src/agent/agent-control.ts'
import { createAgentProbe } from '../src/agent-probe.ts'
import { startAnnouncing } from '../src/announce.ts'
import { createConfigChanges } from '../src/change/config-changes.ts'
import { startLifecycle } from '../src/lifecycle/start-lifecycle.ts'
import { migrations } from '../src/migrations.ts'
import { createOperations } from '../src/operations.ts'

const log = pino({ level: 'silent' })
const root = join(import.meta.dirname, '../../..')

export interface LifecycleNodeOptions {
  nats: NatsServer
  nodeId: string
  /** The agent's program. */
  program?: string
  bootstrap?: readonly string[]
  declared?: readonly string[]
  /** SQL of a table that the others do not have. */
  extraSchema?: string
  gossipPort?: number
}

export type LifecycleNode = Awaited<ReturnType<typeof startLifecycleNode>>

/** An agent with what a node's life needs beside it. Disposing ends all, and removes its files. */
export async function startLifecycleNode(options: LifecycleNodeOptions) {
  const { nats, nodeId, declared = [], program = developmentAgent.path } = options
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(createTemporaryFolder())
  const apiPort = await freePort()
  const gossip = `127.0.0.1:${options.gossipPort ?? (await freePort())}`
  const configPath = join(folder.path, 'agent.toml')
  const databasePath = join(folder.path, 'db/corrosion.db')
  mkdirSync(join(folder.path, 'schemas'))
  mkdirSync(join(folder.path, 'db'))
  writeFileSync(join(folder.path, 'schemas/extra.sql'), options.extraSchema ?? '')
  writeFileSync(
    configPath,
    `[db]
path = "${databasePath}"
schema_paths = ["${join(root, 'corrosion/schemas')}", "${join(folder.path, 'schemas')}"]
cache_size_kib = -16384
[gossip]
addr = "${gossip}"
client_addr = "127.0.0.1:0"
bootstrap = ${JSON.stringify(options.bootstrap ?? [])}
plaintext = true
[api]
addr = "127.0.0.1:${apiPort}"
[admin]
path = "${join(folder.path, 'admin.sock')}"
`,
  )
  const stateDir = join(folder.path, 'state')
  const key = openNodeKey(stateDir)
  const agentUrl = `http://127.0.0.1:${apiPort}`
  const client = stack.use(createCorrosionClient({ url: agentUrl }))
  const logPath = join(folder.path, 'agent.log')
  const joins: number[] = []

  /** Everything but the agent, which outlives it. */
  const startServices = async () => {
    await using services = new AsyncDisposableStack()
    const bus = services.use(connectBus({ url: nats.url, name: nodeId, log }))
    const state = services.use(
      openStateFile({
        path: join(stateDir, 'config-manager.sqlite'),
        migrations,
        bus,
        log,
      }),
    )
    const health = createHealth('config-manager', nodeId)
    const directory = services.use(openDirectory({ bus, log, path: join(stateDir, 'nodes.json') }))
    const views = services.use(openViews({ bus }))
    const control = services.use(
      createAgentControl(
        {
          kind: 'child',
          command: [program, 'agent', '-c', configPath],
          environment: { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: folder.path },
          logPath,
          stopTimeoutMs: 20_000,
          startTimeoutMs: 20_000,
        },
        { nodeId, stateDir, state, client, health, log },
      ),
    )
    const operations = services.use(createOperations({ nodeId, state, log }))
    const settings = { nodeId, configPath, canonicalPath: null }
    const changes = createConfigChanges({ ...settings, state, agent: control, log })
    const lifecycle = services.use(
      startLifecycle({
        nodeId,
        region: 'iad',
        ackEndpoint: '127.0.0.1:5001',
        publicKey: key.publicKey,
        bus,
        state,
        log,
        health,
        agent: client,
        control,
        changes,
        operations,
        directory,
        views,
        declared: () => declared,
        onJoined: (seconds) => joins.push(seconds),
      }),
    )
    services.use(
      startAnnouncing({
        identity: {
          nodeId,
          instanceId: key.instanceId,
          region: 'iad',
          publicKey: key.publicKey,
          endpoints: { api: '127.0.0.1:4001', peer: '127.0.0.1:5001' },
          agentUrl,
        },
        everyMs: 200,
        configPath,
        agent: client,
        bus,
        probe: createAgentProbe(client, log),
        changes,
        control,
        own: lifecycle.own,
        log,
      }),
    )
    await until(() => bus.isConnected)
    const moved = services.move()
    return {
      bus,
      state,
      health,
      directory,
      control,
      operations,
      lifecycle,
      [Symbol.asyncDispose]: () => moved.disposeAsync(),
    }
  }

  let services = await startServices()
  stack.defer(async () => {
    const { pid } = services.control
    await services[Symbol.asyncDispose]()
    if (pid !== undefined) await killed(pid)
  })
  if (!services.control.isHeld) {
    const started = await services.control.start('test')
    if (!started.ok) {
      throw new Error(`${started.reason}\n${readFileSync(logPath, 'utf8').slice(-2000)}`)
    }
  }
  const owned = stack.move()
  return {
    nodeId,
    gossip,
    client,
    configPath,
    databasePath,
    folder: folder.path,
    /** How long each took, in seconds. */
    joins,
    get services() {
      return services
    },
    get state() {
      return services.lifecycle.own.current.state
    },
    /** As a new process would: the agent goes on. */
    async restartServices() {
      await services[Symbol.asyncDispose]()
      services = await startServices()
    },
    becomes: (state: string) => until(() => services.lifecycle.own.current.state === state),
    /** Waits until the operation has ended. */
    ended: (operation: Operation) =>
      until(() => {
        const found = services.operations.find(operation.id)
        return found?.state !== 'running' && found
      }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function killed(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL')
    for (;;) {
      process.kill(pid, 0)
      await wait(10)
    }
  } catch {
    // It is gone.
  }
}
