import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join, relative } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '@corroport/bus'
import { type AgentProgram, howToGetRealAgents } from '../../setup/find-agent.mjs'
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts'
import { createLayout } from './layout.ts'
import { lastLogLine } from './log-lines.ts'
import { followLogs } from './log-view.ts'
import { analyticsPort, buildsPorts, natsPortsOf, postgresPort } from './ports.ts'
import { passwordFile } from './postgres.ts'
import type { ClusterShape } from './register.ts'
import { buildSecrets } from './services.ts'
import { formatTable } from './table.ts'

export interface ForegroundOptions extends ClusterOptions {
  showCorrosion: boolean
  out: NodeJS.WriteStream
}

// npm and the terminal may both hand on one Ctrl-C.
const sameSignalMs = 500
const lookEveryMs = 100
const tellProgressMs = 1000
const repeatProgressMs = 5000

/** Runs a cluster until SIGINT, SIGTERM or SIGHUP, then stops it in order. A second one kills. */
export async function runInForeground(options: ForegroundOptions): Promise<void> {
  const { out } = options
  const stopping = new AbortController()
  let cluster: Cluster | undefined
  const say = (line: string): void => {
    out.write(`${line}\n`)
    tellStarter({ say: line })
  }
  let firstSignalAt = 0
  const onSignal = (signal: NodeJS.Signals): void => {
    if (!stopping.signal.aborted) {
      firstSignalAt = performance.now()
      say(
        `${signal}: stopping services, then agents (about 6 s), then NATS and Postgres; once more to kill`,
      )
      stopping.abort()
    } else if (performance.now() - firstSignalAt > sameSignalMs) {
      say('killing everything')
      process.exit(1)
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('SIGHUP', onSignal)
  // However this process ends by itself, nothing is left behind. The signals are sent at once.
  process.on('exit', () => void cluster?.kill())
  // Whoever reads may have gone (`npm start | head`); the cluster goes on.
  out.on('error', () => undefined)

  const startedAt = performance.now()
  cluster = await startCluster({ ...options, say })
  try {
    await tellProgress(cluster, say, startedAt, stopping.signal)
    if (!stopping.signal.aborted) {
      say(describe(cluster))
      tellStarter({ isReady: true })
    }
  } catch (error) {
    // It goes on: a person looks, and what is late may still come.
    say(messageOf(error))
    tellStarter({ isReady: false })
  }
  await followLogs(
    {
      layout: cluster.layout,
      isWanted: (part) => cluster.parts.some(({ name }) => name === part),
      isShown: (part, { severity }) =>
        part.startsWith('agent')
          ? options.showCorrosion
          : severity === 'warn' || severity === 'error',
      out,
    },
    stopping.signal,
  )
  await cluster.stop()
  say('stopped')
}

/** What a cluster in the background tells the command that started it. */
interface StartMessage {
  say?: string
  isReady?: boolean
  /** Why it is not started at all. */
  failed?: string
}

/** Heard by the command that started this process in the background, as long as it waits. */
export function tellStarter(message: StartMessage): void {
  // Without a callback, a starter that has just gone would be an error that ends the cluster.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

async function tellProgress(
  cluster: Cluster,
  say: (line: string) => void,
  startedAt: number,
  signal: AbortSignal,
): Promise<void> {
  const seconds = (): string =>
    `${((performance.now() - startedAt) / 1000).toFixed(1)} s`.padStart(7)
  const ending = new AbortController()
  const ready = cluster.ready().finally(() => ending.abort())
  ready.catch(() => undefined) // awaited below, unless a signal comes first
  const over = AbortSignal.any([signal, ending.signal])
  let told = ''
  let toldAt = Number.NEGATIVE_INFINITY
  while (!over.aborted) {
    const waiting = cluster.waitingFor()
    const names = waiting.map(({ name }) => name).join(', ')
    const quietMs = performance.now() - toldAt
    const [first] = waiting
    if (first && quietMs > (names === told ? repeatProgressMs : tellProgressMs)) {
      const detail = names === told ? ` (${first.name}: ${first.reason})` : ''
      say(`${seconds()}  waiting for ${names}${detail}`)
      told = names
      toldAt = performance.now()
    }
    await wait(lookEveryMs, undefined, { signal: over }).catch(() => undefined) // the loop ends by itself
  }
  if (signal.aborted) return
  await ready
  say(`${seconds()}  ready`)
}

function describe(cluster: Cluster): string {
  const { layout, nodes, parts, shape } = cluster
  const hasAgents = parts.some(({ name }) => name === 'agent1')
  const hasServices = parts.some(({ name }) => name.startsWith('node'))
  const hasEdge = parts.some(({ name }) => name === 'edge1')
  const columns = [
    'node',
    ...(hasServices ? ['console and API', 'acknowledgements', 'health and metrics'] : []),
    ...(hasAgents ? ['agent API', 'agent gossip'] : []),
    ...(hasEdge ? ['edge proxy', 'registration'] : []),
  ]
  const rows = nodes.map((node) => [
    node.nodeId,
    ...(hasServices
      ? [node.apiUrl.replace('127.0.0.1', 'localhost'), node.peerEndpoint, node.operatorsUrl]
      : []),
    ...(hasAgents ? [node.agentUrl, node.gossipEndpoint] : []),
    ...(hasEdge ? [node.edgeEndpoint, node.edgeApiUrl] : []),
  ])
  const { monitoring } = natsPortsOf(shape.portOffset)
  const hasAnalytics = parts.some(({ name }) => name === 'analytics')
  const postgresAddress = `127.0.0.1:${postgresPort(shape.portOffset)}, password of postgres in ${passwordFile(layout)}`
  const natsDetail = shape.hasNats ? `, monitoring http://127.0.0.1:${monitoring}` : ''
  return [
    '',
    formatTable([columns, ...rows]),
    '',
    ...(cluster.agents ? [`agents    ${describeAgents(cluster.agents, shape)}`] : []),
    `NATS      ${shape.natsUrl}${natsDetail}`,
    ...(shape.hasPostgres ? [`Postgres  ${postgresAddress}`] : []),
    ...(hasAnalytics
      ? [`analytics http://127.0.0.1:${analyticsPort(shape.portOffset)}, health and metrics`]
      : []),
    ...(shape.hasBuilds
      ? [
          `builds    http://localhost:${buildsPorts(shape.portOffset).api}, key in ${buildSecrets(layout).key}`,
        ]
      : []),
    `logs      ${relative(process.cwd(), layout.logs) || '.'}, or: npx corroport local logs -f node1`,
    ...(hasServices ? ['try       npx corroport send hello'] : []),
    '',
  ].join('\n')
}

function describeAgents({ kind, version, path }: AgentProgram, shape: ClusterShape): string {
  if (kind === 'real') return `real ones: ${version}, ${path}`
  const offsets = Object.entries(shape.clockOffsetsMs ?? {}).filter(([, ms]) => ms !== 0)
  return [
    `development agents, for this machine only; real ones: ${howToGetRealAgents}`,
    ...(shape.regions
      ? [`in ${shape.regions.join(', ')}, with the delays of their distances`]
      : []),
    ...offsets.map(([nodeId, ms]) => `the clock of ${nodeId} is wrong by ${ms} ms`),
    'bend their network and clocks: npx corroport lab',
  ].join('\n          ')
}

export interface DetachOptions {
  home: string | undefined
  /** Names its log: `supervisor-<name>.log`. */
  name: string
  /** Arguments of main.ts that run it in the foreground. */
  args: readonly string[]
  environment: NodeJS.ProcessEnv
  say(line: string): void
}

/** Runs main.ts as a process of its own and returns when its cluster is ready. */
export async function runDetached(options: DetachOptions): Promise<void> {
  const { logs } = createLayout(options.home)
  mkdirSync(logs, { recursive: true })
  const logPath = join(logs, `supervisor-${options.name}.log`)
  const log = openSync(logPath, 'w')
  const args = [join(import.meta.dirname, 'main.ts'), ...options.args]
  const child = spawn(process.execPath, args, {
    detached: true,
    env: options.environment,
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  const { promise: started, resolve, reject } = Promise.withResolvers<void>()
  child.once('error', reject)
  child.once('exit', () => reject(new Error(`the start failed: ${lastLogLine(logPath)}`)))
  child.on('message', (message: StartMessage) => {
    if (message.say !== undefined) options.say(message.say)
    if (message.failed !== undefined) reject(new Error(message.failed))
    if (message.isReady === true) resolve()
    if (message.isReady === false) reject(new Error('started, but not ready; it goes on trying'))
  })
  try {
    await started
  } finally {
    child.removeAllListeners()
    if (child.connected) child.disconnect()
    child.unref()
  }
}
