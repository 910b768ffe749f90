import { Endpoint, NodeId, Region } from '@corroport/contracts'
import {
  EnvironmentError,
  LogLevelSetting,
  Port,
  readEnvironment,
  setting,
} from '@corroport/service'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'

export const Environment = Type.Object({
  NODE_ID: setting(NodeId, { description: 'name of this node: letters, digits, - and _' }),
  REGION: setting(Region, { default: 'local', description: 'where this node is' }),
  NATS_URL: Type.String({ default: 'nats://127.0.0.1:4222', description: 'nats://host:port' }),
  NATS_USER: Type.Optional(
    Type.String({ description: 'with NATS_PASSWORD, where NATS has users' }),
  ),
  NATS_PASSWORD: Type.Optional(Type.String({ description: 'of NATS_USER' })),
  AGENT_URL: Type.String({ description: "origin of this node's agent: http://127.0.0.1:8081" }),
  AGENT_TOKEN: Type.Optional(Type.String({ description: 'bearer token of the agent' })),
  STATE_DIR: Type.String({ description: "this node's state folder" }),
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
  DECLARED_NODES: Type.String({
    default: '',
    description: 'node ids, with commas, that are expected even when they were never heard',
  }),
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
  METRICS_PORT: setting(Port, { description: 'health and metrics, on loopback' }),
  LOG_LEVEL: LogLevelSetting,
})

export interface Config {
  nodeId: string
  region: string
  nats: { url: string; user: string | undefined; password: string | undefined }
  agent: { url: string; bearerToken: string | undefined }
  stateDir: string
  api: { host: string; port: number }
  peer: { host: string; port: number; endpoint: string }
  declaredNodes: readonly string[]
  messageRetentionHours: number
  trackedMessages: number
  metricsPort: number
  logLevel: Static<typeof LogLevelSetting>
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const env = readEnvironment(Environment, environment)
  const declaredNodes = env.DECLARED_NODES.split(',').flatMap((nodeId) => nodeId.trim() || [])
  const malformed = declaredNodes.filter((nodeId) => !Value.Check(NodeId, nodeId))
  const problems = [
    ...(isLoopback(env.API_HOST)
      ? []
      : ['API_HOST: access tokens are not available yet: the API listens on loopback only']),
    ...malformed.map((nodeId) => `DECLARED_NODES: ${JSON.stringify(nodeId)} is not a node id`),
  ]
  if (problems.length > 0) throw new EnvironmentError(problems.join('\n'))
  return {
    nodeId: env.NODE_ID,
    region: env.REGION,
    nats: { url: env.NATS_URL, user: env.NATS_USER, password: env.NATS_PASSWORD },
    agent: { url: env.AGENT_URL, bearerToken: env.AGENT_TOKEN },
    stateDir: env.STATE_DIR,
    api: { host: env.API_HOST, port: env.API_PORT },
    peer: {
      host: env.PEER_HOST,
      port: env.PEER_PORT,
      endpoint: env.PEER_ENDPOINT ?? endpointOf(env.PEER_HOST, env.PEER_PORT),
    },
    declaredNodes,
    messageRetentionHours: env.MESSAGE_RETENTION_HOURS,
    trackedMessages: env.TRACKED_MESSAGES,
    metricsPort: env.METRICS_PORT,
    logLevel: env.LOG_LEVEL,
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function endpointOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
