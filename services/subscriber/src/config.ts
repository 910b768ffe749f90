import {
  type AgentConfig,
  agentVariables,
  type NodeConfig,
  nodeVariables,
  toAgentConfig,
  toNodeConfig,
} from '@corroport/node-process'
import { readEnvironment } from '@corroport/service'
import { Type } from 'typebox'

export const Environment = Type.Object({
  ...nodeVariables,
  ...agentVariables,
  FOLLOWED_TABLES: Type.String({
    default: 'node_messages,node_configs',
    pattern: '^[A-Za-z0-9_]+(,[A-Za-z0-9_]+)*$',
    description: 'replicated tables, separated by commas',
  }),
  AUDIT_INTERVAL_SECONDS: Type.Integer({ default: 60, minimum: 1, description: 'whole seconds' }),
  PAUSE_LIMIT_SECONDS: Type.Integer({
    default: 30,
    minimum: 1,
    description: 'a restart of the agent that takes longer is no longer waited for',
  }),
})

export interface Config extends NodeConfig {
  agent: AgentConfig
  tables: string[]
  auditIntervalMs: number
  pauseLimitMs: number
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const env = readEnvironment(Environment, environment)
  return {
    ...toNodeConfig(env),
    agent: toAgentConfig(env),
    tables: env.FOLLOWED_TABLES.split(','),
    auditIntervalMs: env.AUDIT_INTERVAL_SECONDS * 1000,
    pauseLimitMs: env.PAUSE_LIMIT_SECONDS * 1000,
  }
}
