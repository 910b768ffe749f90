import { Endpoint, NodeId, Region } from '@corroport/contracts'
import {
  type AgentConfig,
  agentVariables,
  type NodeConfig,
  nodeVariables,
  toAgentConfig,
  toNodeConfig,
} from '@corroport/node-process'
import { EnvironmentError, Port, readEnvironment, setting } from '@corroport/service'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

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
})

export interface Config extends NodeConfig {
  region: string
  agent: AgentConfig
  api: { host: string; port: number }
  peer: { host: string; port: number; endpoint: string }
  declaredNodes: readonly string[]
  messageRetentionHours: number
  trackedMessages: number
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
