import { NodeId } from '@corroport/contracts'
import { LogLevelSetting, Port, readEnvironment, setting } from '@corroport/service'
import { type Static, Type } from 'typebox'

const Environment = Type.Object({
  NODE_ID: setting(NodeId, { description: 'name of this node: letters, digits, - and _' }),
  NATS_URL: Type.String({ default: 'nats://127.0.0.1:4222', description: 'nats://host:port' }),
  NATS_USER: Type.Optional(
    Type.String({ description: 'with NATS_PASSWORD, where NATS has users' }),
  ),
  NATS_PASSWORD: Type.Optional(Type.String({ description: 'of NATS_USER' })),
  AGENT_URL: Type.String({ description: "origin of this node's agent: http://127.0.0.1:8081" }),
  AGENT_TOKEN: Type.Optional(Type.String({ description: 'bearer token of the agent' })),
  STATE_DIR: Type.String({ description: "this node's state folder" }),
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
  METRICS_PORT: setting(Port, { description: 'health and metrics, on loopback' }),
  LOG_LEVEL: LogLevelSetting,
})

export interface Config {
  nodeId: string
  nats: { url: string; user: string | undefined; password: string | undefined }
  agent: { url: string; bearerToken: string | undefined }
  stateDir: string
  tables: string[]
  auditIntervalMs: number
  pauseLimitMs: number
  metricsPort: number
  logLevel: Static<typeof LogLevelSetting>
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const env = readEnvironment(Environment, environment)
  return {
    nodeId: env.NODE_ID,
    nats: { url: env.NATS_URL, user: env.NATS_USER, password: env.NATS_PASSWORD },
    agent: { url: env.AGENT_URL, bearerToken: env.AGENT_TOKEN },
    stateDir: env.STATE_DIR,
    tables: env.FOLLOWED_TABLES.split(','),
    auditIntervalMs: env.AUDIT_INTERVAL_SECONDS * 1000,
    pauseLimitMs: env.PAUSE_LIMIT_SECONDS * 1000,
    metricsPort: env.METRICS_PORT,
    logLevel: env.LOG_LEVEL,
  }
}
