import { join } from 'node:path'
import { Endpoint, Region } from '@corroport/contracts'
import {
  type AgentConfig,
  agentVariables,
  clusterVariables,
  type NodeConfig,
  nodeVariables,
  toAgentConfig,
  toClusterSettings,
  toNodeConfig,
} from '@corroport/node-process'
import {
  EnvironmentError,
  isLoopback,
  Port,
  readEnvironment,
  secret,
  setting,
} from '@corroport/service'
import { type Static, Type } from 'typebox'

export const Environment = Type.Object({
  ...nodeVariables,
  ...agentVariables,
  REGION: setting(Region, { default: 'local', description: 'where this node is' }),
  API_HOST: Type.String({
    default: '127.0.0.1',
    description: 'address on which the API listens; beyond loopback tokens are asked for',
  }),
  API_PORT: setting(Port, { description: 'port of the API: 4001' }),
  API_ENDPOINT: Type.Optional(
    setting(Endpoint, { description: 'host:port of the API, as others reach it' }),
  ),
  ACCESS: Type.Optional(
    Type.Enum(['open', 'tokens'], {
      description: 'open: whoever reaches it may do all, on loopback only; tokens elsewhere',
    }),
  ),
  READ_ONLY: Type.Boolean({ default: false, description: 'true: every change is refused' }),
  PUBLIC_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^/?#@]+/?$',
      description: 'https://console.example.com, where a proxy in front of it is reached',
    }),
  ),
  PEER_HOST: Type.String({
    default: '127.0.0.1',
    description: 'address on which other nodes acknowledge',
  }),
  PEER_PORT: setting(Port, { description: 'port for acknowledgements: 5001' }),
  PEER_ENDPOINT: Type.Optional(
    setting(Endpoint, {
      description: 'host:port written into messages; PEER_HOST:PEER_PORT when absent',
    }),
  ),
  ...clusterVariables,
  DATABASE_URL: Type.Optional(
    secret(Type.String(), {
      description: 'postgres://…, whose state is shown; no Postgres without it',
    }),
  ),
  NATS_MONITOR_URL: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description: 'http://host:port of the monitoring of a nats-server: routes, meta group',
    }),
  ),
  MESSAGE_RETENTION_HOURS: Type.Number({
    default: 24,
    minimum: 0.01,
    description: "when this node's rows are deleted, at least 0.01",
  }),
  WEB_DIR: Type.Optional(
    Type.String({ description: "folder of the built console; this checkout's when absent" }),
  ),
  TRACKED_MESSAGES: Type.Integer({
    default: 100_000,
    minimum: 1,
    description: 'how many messages are remembered; the oldest finished one goes first',
  }),
})

export interface Config extends NodeConfig {
  region: string
  agent: AgentConfig
  api: { host: string; port: number }
  access: {
    mode: 'open' | 'tokens'
    /** Whether others than this machine reach it. */
    isExposed: boolean
    isReadOnly: boolean
    publicUrl: URL | undefined
    /** Names besides those of loopback under which it is asked, on the port that it listens on. */
    names: readonly string[]
    /** host:port under which it is asked besides. */
    authorities: readonly string[]
  }
  peer: { host: string; port: number; endpoint: string }
  declaredNodes: readonly string[]
  heartbeatTimeoutMs: number
  databaseUrl: string | undefined
  natsMonitorUrl: string | undefined
  messageRetentionHours: number
  webDir: string
  trackedMessages: number
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  // First, since it knows what takes the place of settings that are not there.
  const { declaredNodes, heartbeatTimeoutMs } = toClusterSettings(environment).settings
  const env = readEnvironment(Environment, environment)
  return {
    ...toNodeConfig(env),
    region: env.REGION,
    agent: toAgentConfig(env),
    api: { host: env.API_HOST, port: env.API_PORT },
    access: toAccess(env),
    peer: {
      host: env.PEER_HOST,
      port: env.PEER_PORT,
      endpoint: env.PEER_ENDPOINT ?? endpointOf(env.PEER_HOST, env.PEER_PORT),
    },
    declaredNodes,
    heartbeatTimeoutMs,
    databaseUrl: env.DATABASE_URL,
    natsMonitorUrl: env.NATS_MONITOR_URL,
    messageRetentionHours: env.MESSAGE_RETENTION_HOURS,
    webDir: env.WEB_DIR ?? join(import.meta.dirname, '../../../web/dist'),
    trackedMessages: env.TRACKED_MESSAGES,
  }
}

function toAccess(env: Static<typeof Environment>): Config['access'] {
  const publicUrl = env.PUBLIC_URL === undefined ? undefined : URL.parse(env.PUBLIC_URL)
  if (publicUrl === null) throw new EnvironmentError('PUBLIC_URL is no address')
  const isBound = !isLoopback(env.API_HOST)
  const isExposed = isBound || (publicUrl !== undefined && !isLoopback(publicUrl.hostname))
  if (isExposed && env.ACCESS === 'open') {
    const what = isBound ? `API_HOST=${env.API_HOST}` : `PUBLIC_URL=${publicUrl?.origin}`
    throw new EnvironmentError(
      `ACCESS=open lets whoever reaches ${what} do everything: leave ACCESS out, make a token with corroport token create --role admin, or listen on 127.0.0.1 only`,
    )
  }
  const isAny = ['0.0.0.0', '::'].includes(env.API_HOST)
  return {
    mode: env.ACCESS ?? (isExposed ? 'tokens' : 'open'),
    isExposed,
    isReadOnly: env.READ_ONLY,
    publicUrl,
    names: isBound && !isAny ? [hostOf(env.API_HOST)] : [],
    authorities: isBound && env.API_ENDPOINT !== undefined ? [env.API_ENDPOINT.toLowerCase()] : [],
  }
}

function endpointOf(host: string, port: number): string {
  return `${hostOf(host)}:${port}`
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address.toLowerCase()
}
