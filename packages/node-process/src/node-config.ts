import { NodeId } from '@corroport/contracts'
import {
  type LogLevel,
  LogLevelSetting,
  type OperatorConfig,
  operatorVariables,
  secret,
  setting,
  toOperatorConfig,
} from '@corroport/service'
import { type Static, Type } from 'typebox'

/** What every service of a node is configured with, besides its own. */
export interface NodeConfig extends OperatorConfig {
  nodeId: string
  nats: { url: string; user: string | undefined; password: string | undefined }
  stateDir: string
  /** So much this node's clock is ahead of its machine's; 0 beside a real agent. */
  clockOffsetMs: number
  logLevel: LogLevel
}

/** How the agent of this node is reached. */
export interface AgentConfig {
  url: string
  bearerToken: string | undefined
}

/** The variables of `NodeConfig`. */
export const nodeVariables = {
  NODE_ID: setting(NodeId, { description: 'name of this node: letters, digits, - and _' }),
  NATS_URL: Type.String({ default: 'nats://127.0.0.1:4222', description: 'nats://host:port' }),
  NATS_USER: Type.Optional(
    Type.String({ description: 'with NATS_PASSWORD, where NATS has users' }),
  ),
  NATS_PASSWORD: Type.Optional(secret(Type.String(), { description: 'of NATS_USER' })),
  STATE_DIR: Type.String({ description: "this node's state folder" }),
  ...operatorVariables,
  CLOCK_OFFSET_MS: Type.Number({
    default: 0,
    minimum: -86_400_000,
    maximum: 86_400_000,
    description: 'makes the clock wrong; needs AGENT_URL, and refused beside a real agent',
  }),
  LOG_LEVEL: LogLevelSetting,
}
const NodeEnvironment = Type.Object(nodeVariables)

/** The variables of `AgentConfig`. */
export const agentVariables = {
  AGENT_URL: Type.String({ description: "origin of this node's agent: http://127.0.0.1:8081" }),
  AGENT_TOKEN: Type.Optional(secret(Type.String(), { description: 'bearer token of the agent' })),
}
export const AgentEnvironment = Type.Object(agentVariables)

export function toNodeConfig(env: Static<typeof NodeEnvironment>): NodeConfig {
  return {
    nodeId: env.NODE_ID,
    nats: { url: env.NATS_URL, user: env.NATS_USER, password: env.NATS_PASSWORD },
    stateDir: env.STATE_DIR,
    ...toOperatorConfig(env),
    clockOffsetMs: env.CLOCK_OFFSET_MS,
    logLevel: env.LOG_LEVEL,
  }
}

export function toAgentConfig(env: Static<typeof AgentEnvironment>): AgentConfig {
  return { url: env.AGENT_URL, bearerToken: env.AGENT_TOKEN }
}
