import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '@corroport/bus'
import { type AgentKind, type AgentProgram, findAgent } from '../../setup/find-agent.mjs'
import { requireNatsServer } from '../../setup/find-nats-server.mjs'
import { SetupError } from '../../setup/setup-error.mjs'
import { agentPart, agentUrl } from './agents.ts'
import { labStart, requireBendable } from './lab-start.ts'
import { createLayout, type Layout } from './layout.ts'
import { lastLines, readLogLine } from './log-lines.ts'
import { lookAtNats, NatsPart, type NatsSettings, natsDefinition } from './nats.ts'
import { applyUntilDone, type OthersPart } from './others.ts'
import { Part } from './part.ts'
import { freePortOffset, requireFreePorts } from './port-check.ts'
import { maxNodes, natsPortsOf, portsOf, type ServiceName, wantedPorts } from './ports.ts'
import {
  databaseFiles,
  migrateDatabase,
  ownDatabaseUrl,
  PostgresPart,
  postgresDefinition,
  preparePostgres,
} from './postgres.ts'
import {
  type ClusterShape,
  type Layer,
  layers,
  openRegister,
  type Register,
  readRecord,
} from './register.ts'
import { analyticsPart, buildsPart, edgePart, serviceParts } from './services.ts'

export interface ClusterOptions {
  /** 1 to 10; 3 by default. */
  nodes?: number | undefined
  /** State folder; `.corroport` of the repository by default. Two clusters never share one. */
  home?: string | undefined
  /** Added to every port of the rule; `free` looks for one with which all ports are free. */
  portOffset?: number | 'free' | undefined
  /** What to run of it; both by default. NATS and Postgres belong to the agents. */
  layers?: readonly Layer[] | undefined
  /** A kind of agents that it has to be; else by what the machine has. */
  agents?: AgentKind | undefined
  /** One for each node, from the first again when there are fewer; development agents only. */
  regions?: readonly string[] | undefined
  /** By node id; of development agents and of the services beside them. */
  clockOffsetsMs?: Readonly<Record<string, number>> | undefined
  /** Each service as a process of its own, as it is deployed. */
  isProcessPerService?: boolean | undefined
  /** With analytics, and a Postgres where DATABASE_URL names none; not by default. */
  analytics?: boolean | undefined
  /** A point of presence beside each node; not by default. */
  edge?: boolean | undefined
  /** With a build controller, and a Postgres like analytics; not by default. */
  builds?: boolean | undefined
  /** Forgets everything of earlier runs. */
  isFresh?: boolean | undefined
  /** Keeps edited agent configurations. */
  keepConfig?: boolean | undefined
  /** PATH, CORROSION_BIN, NATS_SERVER_BIN, NATS_URL, DATABASE_URL; services inherit all of it. */
  environment: NodeJS.ProcessEnv
  /** Hears, in a sentence, what happens by itself: a part that ended and comes back. */
  say?: ((line: string) => void) | undefined
}

/** A node's processes, and where it is reached. */
export interface ClusterNode {
  nodeId: string
  apiUrl: string
  agentUrl: string
  /** Health and metrics of the gateway, or of the node's one process. */
  operatorsUrl: string
  /** Where a point of presence beside it takes clients, `host:port`, and its registration API. */
  edgeEndpoint: string
  edgeApiUrl: string
  /** `host:port` for acknowledgements. */
  peerEndpoint: string
  gossipEndpoint: string
  adminSocket: string
  configPath: string
  stateFolder: string
  /** Throws when the agents do not run here. */
  readonly agent: Part
  /** The same process for all four, unless each has its own. Throws when services do not run here. */
  service(name: ServiceName): Part
}

export interface Cluster extends AsyncDisposable {
  readonly layout: Layout
  readonly shape: ClusterShape
  /** Absent where they do not run here. */
  readonly agents: AgentProgram | undefined
  /** Absent where others run it, at `shape.natsUrl`. */
  readonly nats: NatsPart | undefined
  /** Holds a password. Absent without analytics. */
  readonly databaseUrl: string | undefined
  readonly nodes: readonly ClusterNode[]
  readonly parts: readonly Part[]
  /** Node 1 is the first. */
  node(number: number): ClusterNode
  /** `nats`, `postgres`, `analytics`, `agent1`; throws when it does not run here. */
  part(name: string): Part
  waitingFor(): { name: string; reason: string }[]
  /** Resolves when all parts are ready; rejects at the deadline with who is not, and its last words. */
  ready(timeoutMs?: number): Promise<void>
  /** Services first, then agents (about 6 s), then NATS and Postgres. Disposing does the same. */
  stop(): Promise<void>
  /** SIGKILL to all at once, before the first await. */
  kill(): Promise<void>
}

const readyDeadlineMs = 60_000

/**
 * Starts the processes of a cluster, all at once, since each tolerates that the others are away.
 * From then on whatever ends is started again, until its handle's `kill` or `stop`.
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { nodes: count = 3, environment, isProcessPerService = false } = options
  if (!Number.isInteger(count) || count < 1 || count > maxNodes) {
    throw new Error(`a local cluster has 1 to ${maxNodes} nodes, not ${count}`)
  }
  const numbers = Array.from({ length: count }, (_, index) => index + 1)
  const layout = createLayout(options.home)
  const say = options.say ?? (() => undefined)
  const { layers: ownLayers = layers } = options
  const hasAgents = ownLayers.includes('agents')
  const hasServices = ownLayers.includes('services')
  const hasNats = hasAgents && !environment.NATS_URL
  const natsProgram = hasNats ? found(() => requireNatsServer(environment, say)) : ''
  const agents = hasAgents ? found(() => findAgent(environment, options.agents)) : undefined
  const agentShape = hasAgents ? undefined : readRecord(layout, 'agents')?.shape
  const agentKind = agents?.kind ?? agentShape?.agentKind
  const { keepConfig = false } = options
  requireBendable({ ...options, nodes: count }, { agentKind, keepConfig })
  // Services alone are where their agents are.
  const regions = options.regions ?? agentShape?.regions ?? []
  const clockOffsetsMs = options.clockOffsetsMs ?? agentShape?.clockOffsetsMs ?? {}

  const postgresProgram =
    hasAgents && (options.analytics || options.builds) && !environment.DATABASE_URL
      ? findPostgresOrSay(layout, say)
      : undefined
  const hasPostgres = postgresProgram !== undefined
  const hasDatabase = hasPostgres || agentShape?.hasPostgres || environment.DATABASE_URL
  const hasAnalytics = Boolean(hasServices && options.analytics && hasDatabase)
  const hasEdge = hasServices && (options.edge ?? false)
  const hasBuilds = Boolean(hasServices && options.builds && hasDatabase)
  const wantedAt = (portOffset: number) =>
    wantedPorts({
      nodes: count,
      portOffset,
      hasNats,
      hasPostgres,
      hasAgents,
      hasServices,
      hasAnalytics,
      hasEdge,
      hasBuilds,
      isProcessPerService,
    })
  const portOffset =
    options.portOffset === 'free' ? await freePortOffset(wantedAt) : (options.portOffset ?? 0)
  const natsUrl = environment.NATS_URL || `nats://127.0.0.1:${natsPortsOf(portOffset).client}`
  const shape: ClusterShape = {
    nodes: count,
    portOffset,
    natsUrl,
    hasNats,
    hasPostgres,
    hasAnalytics,
    hasEdge,
    hasBuilds,
    isProcessPerService,
    ...(agentKind && { agentKind }),
    ...(regions.length > 0 && { regions: [...regions] }),
    clockOffsetsMs,
  }

  const registers = new Map<Layer, Register>()
  const parts: Part[] = []
  const stopping = new AbortController()
  const endRun = (): void => {
    if (stopping.signal.aborted) return
    stopping.abort()
    for (const register of registers.values()) register[Symbol.dispose]()
  }
  const depsOf = (layer: Layer) => {
    const register = registers.get(layer)
    if (!register) throw new Error(`unreachable: the ${layer} are not registered`)
    return { register, say }
  }

  const streams: NatsSettings = {
    url: natsUrl,
    user: environment.NATS_USER,
    password: environment.NATS_PASSWORD,
    nodeIds: numbers.map((node) => `node${node}`),
  }
  let nats: NatsPart | undefined
  let postgres: PostgresPart | undefined
  let databaseUrl = environment.DATABASE_URL || undefined
  try {
    // What an earlier run left behind is ended in the order of a stop.
    for (const layer of ownLayers.toReversed()) {
      registers.set(layer, await openRegister(layout, layer, shape, say))
    }
    await requireFreePorts(wantedAt(portOffset))
    if (options.isFresh) forget(layout, ownLayers)
    mkdirSync(layout.logs, { recursive: true })
    rotateLogs(layout, ownLayers)

    if (hasNats) {
      const settings = { command: natsProgram, portOffset, environment, streams }
      nats = new NatsPart(natsDefinition(layout, settings), depsOf('agents'), layout)
      parts.push(nats)
    }
    if (postgresProgram !== undefined) {
      const settings = { native: postgresProgram, portOffset, environment }
      const definition = postgresDefinition(layout, settings)
      postgres = new PostgresPart(definition, depsOf('agents'), layout, postgresProgram)
      parts.push(postgres)
    }
    if (hasPostgres || ((hasAnalytics || hasBuilds) && databaseUrl === undefined)) {
      databaseUrl = ownDatabaseUrl(layout, portOffset)
    }
    if (agents) {
      for (const node of numbers) {
        const lab = labStart(node, portOffset, shape)
        const settings = { program: agents, portOffset, environment, keepConfig, lab }
        parts.push(new Part(agentPart(layout, node, settings), depsOf('agents')))
      }
    }
    for (const node of hasServices ? numbers : []) {
      const settings = { ...shape, regions, clockOffsetsMs, databaseUrl, environment }
      for (const definition of serviceParts(layout, node, settings)) {
        parts.push(new Part(definition, depsOf('services')))
      }
    }
    if (hasAnalytics && databaseUrl !== undefined) {
      const settings = { portOffset, natsUrl, databaseUrl, environment }
      parts.push(new Part(analyticsPart(layout, settings), depsOf('services')))
    }
    if (hasBuilds && databaseUrl !== undefined) {
      const settings = { portOffset, natsUrl, databaseUrl, environment }
      parts.push(new Part(buildsPart(layout, settings), depsOf('services')))
    }
    for (const node of hasEdge ? numbers : []) {
      const settings = { portOffset, natsUrl, environment }
      parts.push(new Part(edgePart(layout, node, settings), depsOf('services')))
    }
    for (const part of parts) if (part !== postgres) part.start()
  } catch (error) {
    await Promise.all(parts.map((part) => part.kill()))
    endRun()
    throw error
  }

  // The others start meanwhile. What goes wrong is told by `ready`.
  const database = postgres?.make(stopping.signal).then(() => {
    if (!stopping.signal.aborted) postgres.start()
  })
  database?.catch(() => undefined)
  const migrated = (url: string): OthersPart =>
    applyUntilDone('postgres', () => migrateDatabase(url), stopping.signal)
  const others = [
    ...(hasServices && !hasNats
      ? [applyUntilDone('nats', () => lookAtNats(streams), stopping.signal)]
      : []),
    ...((hasAnalytics || hasBuilds) && !postgres && databaseUrl !== undefined
      ? [migrated(databaseUrl)]
      : []),
  ]

  const partNamed = (name: string): Part => {
    const part = parts.find((candidate) => candidate.name === name)
    if (!part) throw new Error(`${name} does not run here`)
    return part
  }
  const nodes = numbers.map((node): ClusterNode => {
    const ports = portsOf(node, portOffset)
    return {
      nodeId: `node${node}`,
      apiUrl: `http://127.0.0.1:${ports.api}`,
      agentUrl: agentUrl(node, portOffset),
      operatorsUrl: `http://127.0.0.1:${ports.gateway}`,
      edgeEndpoint: `127.0.0.1:${ports.edge}`,
      edgeApiUrl: `http://127.0.0.1:${ports.edgeApi}`,
      peerEndpoint: `127.0.0.1:${ports.peer}`,
      gossipEndpoint: `127.0.0.1:${ports.gossip}`,
      adminSocket: layout.adminSocket(node),
      configPath: layout.runtimeConfig(node),
      stateFolder: layout.stateFolder(node),
      get agent() {
        return partNamed(`agent${node}`)
      },
      service: (name) => partNamed(isProcessPerService ? `node${node}-${name}` : `node${node}`),
    }
  })
  const waitingFor = () =>
    [...others, ...parts].flatMap(({ name, waitingFor: reason }) =>
      reason === undefined ? [] : [{ name, reason }],
    )

  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      for (const rank of [2, 1, 0]) {
        const next = parts.filter(({ definition }) => definition.stopRank === rank)
        await Promise.all(next.map((part) => part.stop()))
      }
      endRun()
    })()
    return stopped
  }

  return {
    layout,
    shape,
    agents,
    nats,
    databaseUrl,
    nodes,
    parts,
    part: partNamed,
    node: (number) => {
      const node = nodes[number - 1]
      if (!node) throw new Error(`there is no node${number} among ${count}`)
      return node
    },
    waitingFor,
    async ready(timeoutMs = readyDeadlineMs) {
      const deadline = AbortSignal.timeout(timeoutMs)
      // Nobody waits on when one has failed, or all are stopped.
      const failing = new AbortController()
      const signal = AbortSignal.any([deadline, failing.signal, stopping.signal])
      try {
        await Promise.all([
          database,
          ...others.map(({ done }) => done),
          ...parts.map((part) => part.ready(signal)),
        ])
      } catch (cause) {
        failing.abort()
        if (!deadline.aborted) throw cause
        const lines = waitingFor().map(({ name, reason }) => describeLate(layout, name, reason))
        throw new Error(`not ready in ${timeoutMs / 1000} s:\n${lines.join('\n')}`, { cause })
      }
    },
    stop,
    async kill() {
      await Promise.all(parts.map((part) => part.kill()))
      endRun()
    },
    [Symbol.asyncDispose]: stop,
  }
}

function found<T>(find: () => T): T {
  try {
    return find()
  } catch (cause) {
    if (!(cause instanceof SetupError)) throw cause
    throw new Error(`${cause.message} To do: ${cause.remedy}`, { cause })
  }
}

function findPostgresOrSay(layout: Layout, say: (line: string) => void): string | undefined {
  try {
    return preparePostgres(layout)
  } catch (error) {
    say(
      `without analytics: there is no Postgres here (${messageOf(error)}); DATABASE_URL names another`,
    )
    return undefined
  }
}

function describeLate(layout: Layout, name: string, reason: string): string {
  const path = layout.log(name)
  const last = existsSync(path) ? lastLines(path, 5) : []
  return [`${name}: ${reason}`, ...last.map((line) => `    ${readLogLine(line).text}`)].join('\n')
}

const logsOf = {
  agents: /^(nats|postgres|agent\d+)\.log$/,
  services: /^(node\d.*|edge\d+|analytics|builds)\.log$/,
}

/** Keeps the logs of one earlier run, and none of parts that this one does not have. */
function rotateLogs(layout: Layout, ownLayers: readonly Layer[]): void {
  for (const name of readdirSync(layout.logs)) {
    if (name.endsWith('.previous.log') || !ownLayers.some((layer) => logsOf[layer].test(name)))
      continue
    const path = join(layout.logs, name)
    renameSync(path, path.replace(/\.log$/, '.previous.log'))
  }
}

function forget(layout: Layout, ownLayers: readonly Layer[]): void {
  const folders = {
    agents: [layout.natsFolder, ...databaseFiles(layout), join(layout.home, 'agents')],
    services: [layout.analyticsFolder, layout.buildsFolder, join(layout.home, 'nodes')],
  }
  for (const folder of ownLayers.flatMap((layer) => folders[layer])) {
    rmSync(folder, { recursive: true, force: true })
  }
}
