import { readFileSync } from 'node:fs'
import { availableParallelism, hostname } from 'node:os'
import { NodeId } from '@corroport/contracts'
import type { AgentConfig } from '@corroport/node-process'
import {
  EnvironmentError,
  isLoopback,
  type LogLevel,
  LogLevelSetting,
  type OperatorConfig,
  operatorVariables,
  Port,
  readEnvironment,
  secret,
  setting,
  toOperatorConfig,
} from '@corroport/service'
import { type Static, Type } from 'typebox'
import { parseRegions, type Regions } from './geo/regions.ts'
import type { Listener, ServeSettings } from './serve/worker-messages.ts'
import { type AddressRules, createAddressRules } from './table/address-rules.ts'

const Flag = Type.String({ pattern: '^([01]|[Tt]rue|[Ff]alse|TRUE|FALSE)$' })
const flag = (usual: boolean, description: string) =>
  setting(Flag, { default: String(usual), description: `${description}: true or false` })
const Address = Type.String({ pattern: '^(\\[[0-9a-fA-F:.%]+\\]|[^:\\[\\]]+):[0-9]{1,5}$' })
const address = (usual: string, description: string) =>
  setting(Address, { default: usual, description: `${description}, host:port` })
const seconds = (usual: number, minimum: number, description: string) =>
  Type.Number({ default: usual, minimum, maximum: 86_400, description: `${description}, seconds` })

export const Environment = Type.Object({
  NODE_ID: Type.Optional(
    setting(NodeId, { description: "name of this point of presence; the machine's when absent" }),
  ),
  ...operatorVariables,
  METRICS_PORT: setting(Port, { default: 7090, description: 'port of health and metrics' }),
  LOG_LEVEL: LogLevelSetting,
  DEBUG: Type.Optional(setting(Flag, { description: '1: as LOG_LEVEL=debug' })),
  NATS_URL: Type.Optional(Type.String({ description: 'nats://host:port; no events without it' })),
  NATS_USER: Type.Optional(Type.String({ description: 'with NATS_PASSWORD' })),
  NATS_PASSWORD: Type.Optional(secret(Type.String(), { description: 'of NATS_USER' })),
  AGENT_URL: Type.Optional(
    Type.String({ description: 'origin of the Corrosion agent: http://127.0.0.1:8081' }),
  ),
  AGENT_TOKEN: Type.Optional(secret(Type.String(), { description: 'bearer token of the agent' })),
  EDGEPROXY_CORROSION_ENABLED: Type.Optional(
    setting(Flag, { description: 'false: EDGEPROXY_DB_PATH instead' }),
  ),
  EDGEPROXY_CORROSION_API_URL: Type.Optional(Type.String({ description: 'as AGENT_URL' })),
  EDGEPROXY_DB_PATH: Type.Optional(
    Type.String({ description: 'SQLite file with the table, where there is no agent' }),
  ),
  EDGEPROXY_DB_RELOAD_SECS: seconds(1, 0.1, 'how often the file is looked at'),
  EDGEPROXY_TABLE_MAX_AGE_SECS: seconds(
    3600,
    0,
    'so long leases are taken for good while the agent is away',
  ),
  EDGEPROXY_REGION: Type.Optional(Type.String({ description: 'where this point of presence is' })),
  EDGEPROXY_REGIONS_PATH: Type.Optional(
    Type.String({ description: 'JSON file, region → its countries: {"eu": "DE FR"}' }),
  ),
  EDGEPROXY_GEOIP_PATH: Type.Optional(
    Type.String({ description: 'database of countries, .mmdb; one comes along' }),
  ),
  EDGEPROXY_APP: Type.Optional(
    Type.String({ description: 'app of the listeners that name none; every backend when absent' }),
  ),
  EDGEPROXY_LISTEN_ADDR: address('127.0.0.1:7080', 'where TCP is accepted'),
  EDGEPROXY_LISTENERS: Type.Optional(
    Type.String({ description: 'several, each with its app: web=0.0.0.0:7080,game=0.0.0.0:7082' }),
  ),
  EDGEPROXY_TLS_ENABLED: flag(false, 'whether TLS is ended here'),
  EDGEPROXY_TLS_LISTEN_ADDR: address('127.0.0.1:7443', 'where TLS is accepted'),
  EDGEPROXY_TLS_CERT: Type.Optional(
    Type.String({ description: 'certificate chains, PEM; several by commas' }),
  ),
  EDGEPROXY_TLS_KEY: Type.Optional(Type.String({ description: 'their keys, in the same order' })),
  EDGEPROXY_SNI_LISTEN_ADDR: Type.Optional(
    setting(Address, { description: 'where TLS is passed on, by its server name, host:port' }),
  ),
  EDGEPROXY_SERVER_NAMES: Type.Optional(
    Type.String({
      description: 'server name=app, by commas; <app>.<EDGEPROXY_DNS_DOMAIN> is known',
    }),
  ),
  EDGEPROXY_PROXY_PROTOCOL_IN: flag(
    false,
    'whether connections begin with a PROXY header, version 2',
  ),
  EDGEPROXY_PROXY_PROTOCOL_OUT: flag(false, 'whether backends are sent one'),
  EDGEPROXY_ALLOWED_BACKENDS: Type.Optional(
    Type.String({
      description: 'networks backends may be in although they are refused: 127.0.0.0/8',
    }),
  ),
  EDGEPROXY_WORKERS: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 64, description: 'threads; as many as cores, at most 4' }),
  ),
  EDGEPROXY_MAX_CONNECTIONS: Type.Integer({
    default: 20_000,
    minimum: 1,
    maximum: 1_000_000,
    description: 'connections at once, 1 to 1000000',
  }),
  EDGEPROXY_MAX_CONNECTIONS_PER_CLIENT: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'of one address; 0: no limit',
  }),
  EDGEPROXY_CONNECT_TIMEOUT_MS: Type.Integer({
    default: 2000,
    minimum: 10,
    maximum: 60_000,
    description: 'how long a backend may take to accept, 10 to 60000',
  }),
  EDGEPROXY_CONNECT_ATTEMPTS: Type.Integer({
    default: 3,
    minimum: 1,
    maximum: 16,
    description: 'backends that are tried for one connection, 1 to 16',
  }),
  EDGEPROXY_HANDSHAKE_TIMEOUT_SECS: seconds(5, 0.1, 'for a PROXY header, and for TLS'),
  EDGEPROXY_IDLE_TIMEOUT_SECS: seconds(3600, 0, 'after so long in silence; 0: never'),
  EDGEPROXY_BINDING_TTL_SECS: seconds(600, 0, 'so long a client has its backend; 0: not at all'),
  EDGEPROXY_BINDING_ENTRIES: Type.Integer({
    default: 65_536,
    minimum: 64,
    maximum: 4_194_304,
    description: 'clients whose backend is remembered, rounded up to a power of two',
  }),
  EDGEPROXY_SPILL_AT_SOFT_LIMIT: flag(
    false,
    'whether a backend at its soft limit stands behind those that are farther away',
  ),
  EDGEPROXY_CIRCUIT_FAILURE_THRESHOLD: Type.Integer({
    default: 3,
    minimum: 1,
    maximum: 1000,
    description: 'failures in turn after which a backend is left out, 1 to 1000',
  }),
  EDGEPROXY_CIRCUIT_TIMEOUT_SECS: seconds(5, 0.1, 'for so long, then twice as long, up to 60'),
  EDGEPROXY_HEALTH_CHECK_ENABLED: flag(true, 'whether backends are connected to, to see them'),
  EDGEPROXY_HEALTH_CHECK_INTERVAL_SECS: seconds(5, 0.1, 'how often'),
  EDGEPROXY_HEALTH_CHECK_TIMEOUT_SECS: seconds(2, 0.01, 'how long one may take'),
  EDGEPROXY_HEALTH_HEALTHY_THRESHOLD: Type.Integer({
    default: 2,
    minimum: 1,
    maximum: 1000,
    description: 'good ones in turn after which a backend that was left out returns',
  }),
  EDGEPROXY_API_ENABLED: flag(true, 'whether backends can be registered here'),
  EDGEPROXY_API_LISTEN_ADDR: address('127.0.0.1:7081', 'where'),
  EDGEPROXY_API_TOKEN: Type.Optional(
    secret(Type.String({ pattern: '^[!-~]{16,}$' }), {
      description: 'bearer token of the API, 16 visible characters or more; needed beyond loopback',
    }),
  ),
  EDGEPROXY_HEARTBEAT_TTL_SECS: seconds(60, 1, 'lease of a registration'),
  EDGEPROXY_DNS_ENABLED: flag(false, 'whether names of apps are answered'),
  EDGEPROXY_DNS_LISTEN_ADDR: address('127.0.0.1:7053', 'where, UDP'),
  EDGEPROXY_DNS_DOMAIN: Type.String({
    default: 'internal',
    pattern: '^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$',
    description: 'domain of <app>.<domain>',
  }),
  EDGEPROXY_DECISIONS_PER_SEC: Type.Integer({
    default: 5,
    minimum: 0,
    maximum: 1000,
    description: 'decisions that are recorded with their candidates, of each thread',
  }),
  EDGEPROXY_SHUTDOWN_TIMEOUT_SECS: seconds(30, 0, 'so long open connections may end at a stop'),
})

export interface Config extends OperatorConfig {
  nodeId: string
  logLevel: LogLevel
  nats: { url: string; user: string | undefined; password: string | undefined } | undefined
  /** An agent, or a file where there is none. */
  source: { agent: AgentConfig } | { path: string; everyMs: number }
  tableMaxAgeMs: number
  region: string | undefined
  regions: Regions
  addresses: AddressRules
  geoPath: string | undefined
  threads: number
  affinityEntries: number
  certificates: readonly { cert: string; key: string }[]
  listeners: readonly Listener[]
  serve: Omit<ServeSettings, 'seed'>
  probes: { everyMs: number; timeoutMs: number; successesToReturn: number } | undefined
  api: { host: string; port: number; token: string | undefined } | undefined
  leaseMs: number
  dns: { host: string; port: number } | undefined
  domain: string
  drainMs: number
  /** Settings that were given and mean nothing any more, with what to do instead. */
  warnings: readonly string[]
}

const withoutMeaning: Readonly<Record<string, string>> = {
  EDGEPROXY_CORROSION_POLL_SECS: 'changes are heard as they happen',
  EDGEPROXY_BINDING_GC_INTERVAL_SECS: 'the time of a binding is looked at when it is used',
  EDGEPROXY_REPLICATION_NODE_ID: 'set NODE_ID',
  EDGEPROXY_REPLICATION_GOSSIP_ADDR: 'the gossip address is in the configuration of the agent',
  EDGEPROXY_REPLICATION_TRANSPORT_ADDR: 'the gossip address is in the configuration of the agent',
  EDGEPROXY_REPLICATION_BOOTSTRAP_PEERS: 'peers are in the configuration of the agent',
  EDGEPROXY_REPLICATION_DB_PATH: 'the database is in the configuration of the agent',
  EDGEPROXY_REPLICATION_CLUSTER_NAME: 'a cluster has a number: corrosion cluster set-id',
  EDGEPROXY_METRICS_ENABLED: 'metrics are always there: METRICS_PORT',
  EDGEPROXY_METRICS_LISTEN_ADDR: 'set METRICS_HOST and METRICS_PORT',
  EDGEPROXY_METRICS_PATH: 'it is /metrics',
  EDGEPROXY_HEALTH_CHECK_TYPE: 'backends are connected to',
  EDGEPROXY_HEALTH_CHECK_PATH: 'backends are connected to',
  EDGEPROXY_HEALTH_UNHEALTHY_THRESHOLD: 'set EDGEPROXY_CIRCUIT_FAILURE_THRESHOLD',
  EDGEPROXY_CIRCUIT_BREAKER_ENABLED: 'it always is',
  EDGEPROXY_CIRCUIT_SUCCESS_THRESHOLD: 'set EDGEPROXY_HEALTH_HEALTHY_THRESHOLD',
}
const familiesWithoutMeaning: readonly (readonly [prefix: string, why: string])[] = [
  ['EDGEPROXY_REPLICATION_', 'Corrosion replicates: set AGENT_URL'],
  ['EDGEPROXY_POOL_', 'connections of clients are never shared'],
  ['EDGEPROXY_POSTGRES_', 'the table is replicated by Corrosion: set AGENT_URL'],
  ['EDGEPROXY_RATE_LIMIT_', 'set EDGEPROXY_MAX_CONNECTIONS_PER_CLIENT'],
  ['EDGEPROXY_CONFIG_WATCH_', 'certificates, databases and tables are read again as they change'],
]
const socketsOfListener = 4
const backlog = 4096
const longestEjectMs = 60_000

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const env = readEnvironment(Environment, environment)
  const problems: string[] = []
  const attempt = <T>(variable: string, usual: T, work: () => T): T => {
    try {
      return work()
    } catch (error) {
      problems.push(`${variable}: ${Error.isError(error) ? error.message : String(error)}`)
      return usual
    }
  }

  const regions = attempt('EDGEPROXY_REGIONS_PATH', parseRegions(), () =>
    env.EDGEPROXY_REGIONS_PATH === undefined
      ? parseRegions()
      : parseRegions(JSON.parse(readFileSync(env.EDGEPROXY_REGIONS_PATH, 'utf8'))),
  )
  const addresses = attempt('EDGEPROXY_ALLOWED_BACKENDS', createAddressRules([]), () =>
    createAddressRules(listOf(env.EDGEPROXY_ALLOWED_BACKENDS)),
  )
  const region = env.EDGEPROXY_REGION?.toLowerCase()
  if (region !== undefined && !regions.names.includes(region)) {
    problems.push(`EDGEPROXY_REGION=${region} is none of ${regions.names.join(', ')}`)
  }
  const listeners = attempt('EDGEPROXY_LISTENERS', [], () => toListeners(env))
  const certificates = attempt('EDGEPROXY_TLS_CERT', [], () => toCertificates(env))
  const serverNames = attempt('EDGEPROXY_SERVER_NAMES', {}, () =>
    Object.fromEntries(pairsOf(env.EDGEPROXY_SERVER_NAMES)),
  )
  const apiAddress = addressOf(env.EDGEPROXY_API_LISTEN_ADDR)
  if (isOn(env.EDGEPROXY_API_ENABLED) && !isLoopback(apiAddress.host) && !env.EDGEPROXY_API_TOKEN) {
    problems.push(
      `EDGEPROXY_API_LISTEN_ADDR=${env.EDGEPROXY_API_LISTEN_ADDR} lets others register backends: set EDGEPROXY_API_TOKEN or EDGEPROXY_API_TOKEN_FILE, or listen on 127.0.0.1 only`,
    )
  }
  if (problems.length > 0) throw new EnvironmentError(problems.join('\n'))

  const nodeId = env.NODE_ID ?? hostname().replaceAll(/[^a-zA-Z0-9_-]/g, '-')
  return {
    ...toOperatorConfig(env),
    nodeId,
    logLevel: isOn(env.DEBUG ?? 'false') ? 'debug' : env.LOG_LEVEL,
    nats:
      env.NATS_URL === undefined
        ? undefined
        : { url: env.NATS_URL, user: env.NATS_USER, password: env.NATS_PASSWORD },
    source: toSource(env),
    tableMaxAgeMs: env.EDGEPROXY_TABLE_MAX_AGE_SECS * 1000,
    region,
    regions,
    addresses,
    geoPath: env.EDGEPROXY_GEOIP_PATH,
    threads: env.EDGEPROXY_WORKERS ?? Math.min(4, availableParallelism()),
    affinityEntries: 2 ** Math.ceil(Math.log2(env.EDGEPROXY_BINDING_ENTRIES)),
    certificates,
    listeners,
    serve: {
      socketsOfListener,
      backlog,
      isOneApp: listeners.some(({ app, tls }) => app === undefined && tls === 'none'),
      domain: env.EDGEPROXY_DNS_DOMAIN,
      serverNames,
      balancer: {
        ownRegion: region === undefined ? -1 : regions.names.indexOf(region),
        spillsAtSoftLimit: isOn(env.EDGEPROXY_SPILL_AT_SOFT_LIMIT),
        failuresToEject: env.EDGEPROXY_CIRCUIT_FAILURE_THRESHOLD,
        ejectMs: env.EDGEPROXY_CIRCUIT_TIMEOUT_SECS * 1000,
        longestEjectMs: Math.max(longestEjectMs, env.EDGEPROXY_CIRCUIT_TIMEOUT_SECS * 1000),
      },
      affinityTtlSeconds: env.EDGEPROXY_BINDING_TTL_SECS,
      mostConnections: env.EDGEPROXY_MAX_CONNECTIONS,
      mostOfClient: env.EDGEPROXY_MAX_CONNECTIONS_PER_CLIENT,
      connectTimeoutMs: env.EDGEPROXY_CONNECT_TIMEOUT_MS,
      mostAttempts: env.EDGEPROXY_CONNECT_ATTEMPTS,
      attemptsWithinMs: env.EDGEPROXY_CONNECT_TIMEOUT_MS * 2,
      headTimeoutMs: env.EDGEPROXY_HANDSHAKE_TIMEOUT_SECS * 1000,
      idleMs: env.EDGEPROXY_IDLE_TIMEOUT_SECS * 1000,
      sendsProxyHeader: isOn(env.EDGEPROXY_PROXY_PROTOCOL_OUT),
      decisionsPerSecond: env.EDGEPROXY_DECISIONS_PER_SEC,
      regions: regions.byCountry,
      regionNames: regions.names,
    },
    probes: isOn(env.EDGEPROXY_HEALTH_CHECK_ENABLED)
      ? {
          everyMs: env.EDGEPROXY_HEALTH_CHECK_INTERVAL_SECS * 1000,
          timeoutMs: env.EDGEPROXY_HEALTH_CHECK_TIMEOUT_SECS * 1000,
          successesToReturn: env.EDGEPROXY_HEALTH_HEALTHY_THRESHOLD,
        }
      : undefined,
    api: isOn(env.EDGEPROXY_API_ENABLED)
      ? { ...apiAddress, token: env.EDGEPROXY_API_TOKEN }
      : undefined,
    leaseMs: env.EDGEPROXY_HEARTBEAT_TTL_SECS * 1000,
    dns: isOn(env.EDGEPROXY_DNS_ENABLED) ? addressOf(env.EDGEPROXY_DNS_LISTEN_ADDR) : undefined,
    domain: env.EDGEPROXY_DNS_DOMAIN,
    drainMs: env.EDGEPROXY_SHUTDOWN_TIMEOUT_SECS * 1000,
    warnings: warningsOf(environment),
  }
}

type Env = Static<typeof Environment>

function toSource(env: Env): Config['source'] {
  const url = env.AGENT_URL ?? env.EDGEPROXY_CORROSION_API_URL
  const isWanted =
    env.EDGEPROXY_CORROSION_ENABLED === undefined || isOn(env.EDGEPROXY_CORROSION_ENABLED)
  if (url !== undefined && isWanted) return { agent: { url, bearerToken: env.AGENT_TOKEN } }
  const path = env.EDGEPROXY_DB_PATH
  if (path !== undefined) return { path, everyMs: env.EDGEPROXY_DB_RELOAD_SECS * 1000 }
  throw new EnvironmentError(
    'AGENT_URL is missing: origin of the Corrosion agent, or set EDGEPROXY_DB_PATH to a SQLite file with the table',
  )
}

function toListeners(env: Env): Listener[] {
  const hasProxyHeader = isOn(env.EDGEPROXY_PROXY_PROTOCOL_IN)
  const app = env.EDGEPROXY_APP
  const usual = { app, ...addressOf(env.EDGEPROXY_LISTEN_ADDR) }
  const named = pairsOf(env.EDGEPROXY_LISTENERS).map(([of, where]) => ({
    app: of,
    ...addressOf(where),
  }))
  const plain = (env.EDGEPROXY_LISTENERS === undefined ? [usual] : named).map((listener) => ({
    ...listener,
    hasProxyHeader,
    tls: 'none' as const,
  }))
  const tls: Listener[] = []
  if (isOn(env.EDGEPROXY_TLS_ENABLED)) {
    tls.push({ app, ...addressOf(env.EDGEPROXY_TLS_LISTEN_ADDR), hasProxyHeader, tls: 'terminate' })
  }
  if (env.EDGEPROXY_SNI_LISTEN_ADDR !== undefined) {
    tls.push({
      app: undefined,
      ...addressOf(env.EDGEPROXY_SNI_LISTEN_ADDR),
      hasProxyHeader,
      tls: 'pass',
    })
  }
  return [...plain, ...tls]
}

function toCertificates(env: Env): { cert: string; key: string }[] {
  if (!isOn(env.EDGEPROXY_TLS_ENABLED)) return []
  const certs = listOf(env.EDGEPROXY_TLS_CERT)
  const keys = listOf(env.EDGEPROXY_TLS_KEY)
  if (certs.length === 0 || certs.length !== keys.length) {
    throw new Error(
      `${certs.length} certificates and ${keys.length} keys: TLS needs EDGEPROXY_TLS_CERT and EDGEPROXY_TLS_KEY, as many of each`,
    )
  }
  return certs.map((cert, index) => ({ cert, key: keys[index] ?? '' }))
}

function warningsOf(environment: NodeJS.ProcessEnv): string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith('EDGEPROXY_'))
    .toSorted()
    .flatMap((name) => {
      if (name in Environment.properties || name.endsWith('_FILE')) return []
      const family = familiesWithoutMeaning.find(([prefix]) => name.startsWith(prefix))
      const why = withoutMeaning[name] ?? family?.[1]
      return why === undefined ? `${name} is not known` : `${name} has no meaning any more: ${why}`
    })
}

function isOn(value: string): boolean {
  return value === '1' || value.toLowerCase() === 'true'
}

function addressOf(text: string): { host: string; port: number } {
  const split = text.lastIndexOf(':')
  const port = Number(text.slice(split + 1))
  const host = text.slice(0, split).replace(/^\[(.*)\]$/, '$1')
  if (split <= 0 || !Number.isInteger(port) || port > 65_535) {
    throw new EnvironmentError(`${text} is no host:port`)
  }
  return { host, port }
}

function listOf(text: string | undefined): string[] {
  return (text ?? '').split(',').flatMap((each) => each.trim() || [])
}

function pairsOf(text: string | undefined): [string, string][] {
  return listOf(text).map((each) => {
    const split = each.indexOf('=')
    if (split <= 0) throw new Error(`${each} should be name=value`)
    return [each.slice(0, split), each.slice(split + 1)]
  })
}
