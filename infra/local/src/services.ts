import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Health } from '@corroport/contracts'
import { Value } from 'typebox/value'
import { agentUrl } from './agents.ts'
import { compileCache, type Layout, root } from './layout.ts'
import type { PartDefinition } from './part.ts'
import { analyticsPort, buildsPorts, natsPortsOf, portsOf, serviceNames } from './ports.ts'

export interface NodeSettings {
  nodes: number
  portOffset: number
  regions: readonly string[]
  /** By node id. */
  clockOffsetsMs: Readonly<Record<string, number>>
  natsUrl: string
  databaseUrl?: string | undefined
}

/** What the services of a node read, but for LOG_LEVEL and the like of whoever starts them. */
export function nodeEnvironment(
  layout: Layout,
  node: number,
  { nodes, portOffset, regions, clockOffsetsMs, natsUrl, databaseUrl }: NodeSettings,
): Record<string, string> {
  const ports = portsOf(node, portOffset)
  const nats = natsPortsOf(portOffset)
  return {
    NODE_ID: `node${node}`,
    REGION: regions[(node - 1) % regions.length] ?? 'local',
    CLOCK_OFFSET_MS: String(clockOffsetsMs[`node${node}`] ?? 0),
    NATS_URL: natsUrl,
    // Only of our own server it is known where that is.
    ...(natsUrl === `nats://127.0.0.1:${nats.client}` && {
      NATS_MONITOR_URL: `http://127.0.0.1:${nats.monitoring}`,
    }),
    ...(databaseUrl !== undefined && { DATABASE_URL: databaseUrl }),
    AGENT_URL: agentUrl(node, portOffset),
    AGENT_CONFIG: layout.runtimeConfig(node),
    AGENT_CANONICAL_CONFIG: layout.canonicalConfig(node),
    ADMIN_SOCKET: layout.adminSocket(node),
    AGENT_CONTROL: 'signal',
    AGENT_PID_FILE: layout.pidFile(node),
    AGENT_LOG: layout.log(`agent${node}`),
    STATE_DIR: layout.stateFolder(node),
    API_HOST: '127.0.0.1',
    API_PORT: String(ports.api),
    API_ENDPOINT: `127.0.0.1:${ports.api}`,
    PEER_HOST: '127.0.0.1',
    PEER_PORT: String(ports.peer),
    PEER_ENDPOINT: `127.0.0.1:${ports.peer}`,
    METRICS_PORT: String(ports.gateway),
    CLUSTER_NODES: Array.from({ length: nodes }, (_, index) => `node${index + 1}`).join(','),
  }
}

export interface ServiceProcess {
  name: string
  /** Where it answers `/health/ready`; the first is its METRICS_PORT. */
  listens: readonly [number, ...number[]]
  args: readonly string[]
}

/** One process with all services of a node, or one each. */
export function serviceProcesses(
  node: number,
  { portOffset, isProcessPerService }: { portOffset: number; isProcessPerService: boolean },
): ServiceProcess[] {
  const ports = portsOf(node, portOffset)
  if (!isProcessPerService) {
    const args = [join(import.meta.dirname, 'node/main.ts')]
    return [{ name: `node${node}`, listens: [ports.gateway, ports.api], args }]
  }
  return serviceNames.map((service) => ({
    name: `node${node}-${service}`,
    listens: service === 'gateway' ? [ports.gateway, ports.api] : [ports[service]],
    args: [join(root, 'services', service, 'src/main.ts')],
  }))
}

// About 35 MB of a node's heap are alive. Without bounds V8 and the allocator keep three times as much
// after a busy minute, because they look for what is dead only when there is need.
export const nodeFlags = ['--max-semi-space-size=4', '--max-old-space-size=128']
export const allocatorSettings = { MALLOC_ARENA_MAX: '2' }

export function serviceParts(
  layout: Layout,
  node: number,
  settings: NodeSettings & { isProcessPerService: boolean; environment: NodeJS.ProcessEnv },
): PartDefinition[] {
  const env = {
    NODE_COMPILE_CACHE: compileCache,
    ...allocatorSettings,
    ...settings.environment,
    ...nodeEnvironment(layout, node, settings),
  }
  mkdirSync(layout.stateFolder(node), { recursive: true, mode: 0o700 })
  return serviceProcesses(node, settings).map(({ name, listens, args }) => ({
    name,
    command: process.execPath,
    args: [...nodeFlags, ...args],
    cwd: root,
    env: { ...env, METRICS_PORT: String(listens[0]) },
    logPath: layout.log(name),
    stopRank: 2,
    // A service gives up by itself after 10 s.
    stopDeadlineMs: 11_000,
    look: (signal) => lookAtHealth(listens, signal),
  }))
}

export interface AnalyticsSettings {
  portOffset: number
  natsUrl: string
  databaseUrl: string
  environment: NodeJS.ProcessEnv
}

export function analyticsPart(layout: Layout, settings: AnalyticsSettings): PartDefinition {
  const { portOffset, natsUrl, databaseUrl, environment } = settings
  const port = analyticsPort(portOffset)
  mkdirSync(layout.analyticsFolder, { recursive: true, mode: 0o700 })
  return {
    name: 'analytics',
    command: process.execPath,
    args: [...nodeFlags, join(root, 'services/analytics/src/main.ts')],
    cwd: root,
    env: {
      NODE_COMPILE_CACHE: compileCache,
      ...allocatorSettings,
      ...environment,
      NATS_URL: natsUrl,
      DATABASE_URL: databaseUrl,
      STATE_DIR: layout.analyticsFolder,
      METRICS_PORT: String(port),
    },
    logPath: layout.log('analytics'),
    stopRank: 2,
    stopDeadlineMs: 11_000,
    look: (signal) => lookAtHealth([port], signal),
  }
}

export interface EdgeSettings {
  portOffset: number
  natsUrl: string
  environment: NodeJS.ProcessEnv
}

const edgeRegions = ['eu', 'us', 'ap', 'sa']

/** A point of presence beside a node; backends of this machine may be named to it. */
export function edgePart(layout: Layout, node: number, settings: EdgeSettings): PartDefinition {
  const { portOffset, natsUrl, environment } = settings
  const ports = portsOf(node, portOffset)
  const name = `edge${node}`
  return {
    name,
    command: process.execPath,
    args: [...nodeFlags, join(root, 'services/edge-proxy/src/main.ts')],
    cwd: root,
    env: {
      NODE_COMPILE_CACHE: compileCache,
      ...allocatorSettings,
      EDGEPROXY_ALLOWED_BACKENDS: '127.0.0.0/8,::1/128',
      EDGEPROXY_REGION: edgeRegions[(node - 1) % edgeRegions.length],
      EDGEPROXY_WORKERS: '1',
      EDGEPROXY_SHUTDOWN_TIMEOUT_SECS: '2',
      ...environment,
      NODE_ID: `node${node}`,
      NATS_URL: natsUrl,
      AGENT_URL: agentUrl(node, portOffset),
      EDGEPROXY_LISTEN_ADDR: `127.0.0.1:${ports.edge}`,
      EDGEPROXY_API_LISTEN_ADDR: `127.0.0.1:${ports.edgeApi}`,
      METRICS_PORT: String(ports.edgeMetrics),
    },
    logPath: layout.log(name),
    stopRank: 2,
    stopDeadlineMs: 11_000,
    look: (signal) => lookAtHealth([ports.edgeMetrics], signal),
  }
}

/** Where the key of the build controller lies, and what workers enrol with. */
export function buildSecrets({ buildsFolder }: Layout): { key: string; enrolment: string } {
  return {
    key: join(buildsFolder, 'controller.key'),
    enrolment: join(buildsFolder, 'enrolment.token'),
  }
}

export function buildsPart(layout: Layout, settings: AnalyticsSettings): PartDefinition {
  const { portOffset, natsUrl, databaseUrl, environment } = settings
  const ports = buildsPorts(portOffset)
  const secrets = buildSecrets(layout)
  mkdirSync(layout.buildsFolder, { recursive: true, mode: 0o700 })
  for (const path of Object.values(secrets)) {
    if (existsSync(path)) continue
    writeFileSync(path, randomBytes(32).toString('base64url'), { mode: 0o600 })
  }
  return {
    name: 'builds',
    command: process.execPath,
    args: [...nodeFlags, join(root, 'services/build-controller/src/main.ts')],
    cwd: root,
    env: {
      NODE_COMPILE_CACHE: compileCache,
      ...allocatorSettings,
      CONTROLLER_API_KEY_FILE: secrets.key,
      WORKER_ENROLMENT_TOKEN_FILE: secrets.enrolment,
      ...environment,
      NATS_URL: natsUrl,
      DATABASE_URL: databaseUrl,
      STORAGE_ROOT: join(layout.buildsFolder, 'files'),
      HOST: '127.0.0.1',
      PORT: String(ports.api),
      METRICS_PORT: String(ports.metrics),
    },
    logPath: layout.log('builds'),
    stopRank: 2,
    stopDeadlineMs: 11_000,
    look: (signal) => lookAtHealth([ports.metrics], signal),
  }
}

/** Ready means: each listener says so; else the checks that fail. */
export async function lookAtHealth(
  ports: readonly number[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const port of ports) {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal })
    const body: unknown = await response.json()
    if (response.ok) continue
    if (!Value.Check(Health, body)) return `answers ${response.status}`
    const failing = body.checks.filter(({ ok }) => !ok)
    // It serves nobody, as it should.
    if (failing.some(({ name, detail }) => name === 'node state' && detail === 'left')) continue
    return failing.map(({ name, detail }) => (detail ? `${name} (${detail})` : name)).join(', ')
  }
  return undefined
}
