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
import { EnvironmentError, Port, readEnvironment, setting } from '@corroport/service'
import { Type } from 'typebox'

export const Environment = Type.Object({
  ...nodeVariables,
  ...agentVariables,
  REGION: setting(Region, { default: 'local', description: 'where this node is' }),
  API_HOST: Type.String({ default: '127.0.0.1', description: 'a loopback address' }),
  API_PORT: setting(Port, { description: 'port of the API: 4001' }),
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
    Type.String({ description: 'postgres://…, whose state is shown; no Postgres without it' }),
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
  peer: { host: string; port: number; endpoint: string }
  declaredNodes: readonly string[]
  heartbeatTimeoutMs: number
  databaseUrl: string | undefined
  natsMonitorUrl: string | undefined
  messageRetentionHours: number
  trackedMessages: number
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  // First, since it knows what takes the place of settings that are not there.
  const { declaredNodes, heartbeatTimeoutMs } = toClusterSettings(environment).settings
  const env = readEnvironment(Environment, environment)
  if (!isLoopback(env.API_HOST)) {
    throw new EnvironmentError(
      'API_HOST: access tokens are not available yet: the API listens on loopback only',
    )
  }
  return {
    ...toNodeConfig(env),
    region: env.REGION,
    agent: toAgentConfig(env),
    api: { host: env.API_HOST, port: env.API_PORT },
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
    trackedMessages: env.TRACKED_MESSAGES,
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function endpointOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
