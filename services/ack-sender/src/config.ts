import { NodeId } from '@corroport/contracts'
import { type LogLevel, LogLevelSetting, Port, readEnvironment, setting } from '@corroport/service'
import { Type } from 'typebox'

const Environment = Type.Object({
  NODE_ID: setting(NodeId, { description: 'name of this node: letters, digits, - and _' }),
  NATS_URL: Type.String({ default: 'nats://127.0.0.1:4222', description: 'nats://host:port' }),
  NATS_USER: Type.Optional(
    Type.String({ description: 'with NATS_PASSWORD, where NATS has users' }),
  ),
  NATS_PASSWORD: Type.Optional(Type.String({ description: 'of NATS_USER' })),
  STATE_DIR: Type.String({ description: "this node's state folder" }),
  ACK_TIMEOUT_MS: Type.Integer({
    default: 2000,
    minimum: 10,
    maximum: 8000,
    description: 'how long one attempt may take, 10 to 8000',
  }),
  ACK_MAX_AGE_MS: Type.Integer({
    default: 600_000,
    minimum: 1000,
    description: 'an acknowledgement owed for longer is given up, at least 1000',
  }),
  ACK_CONCURRENCY: Type.Integer({
    default: 8,
    minimum: 1,
    maximum: 256,
    description: 'attempts at once to one origin, 1 to 256',
  }),
  RECEIPT_RETENTION_HOURS: Type.Integer({
    default: 24,
    minimum: 1,
    description: 'how long a receipt is kept after it was last seen, at least 1',
  }),
  METRICS_PORT: setting(Port, { description: 'health and metrics, on loopback' }),
  LOG_LEVEL: LogLevelSetting,
})

export interface Config {
  nodeId: string
  nats: { url: string; user: string | undefined; password: string | undefined }
  stateDir: string
  ackTimeoutMs: number
  ackMaxAgeMs: number
  ackConcurrency: number
  receiptRetentionHours: number
  metricsPort: number
  logLevel: LogLevel
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const env = readEnvironment(Environment, environment)
  return {
    nodeId: env.NODE_ID,
    nats: { url: env.NATS_URL, user: env.NATS_USER, password: env.NATS_PASSWORD },
    stateDir: env.STATE_DIR,
    ackTimeoutMs: env.ACK_TIMEOUT_MS,
    ackMaxAgeMs: env.ACK_MAX_AGE_MS,
    ackConcurrency: env.ACK_CONCURRENCY,
    receiptRetentionHours: env.RECEIPT_RETENTION_HOURS,
    metricsPort: env.METRICS_PORT,
    logLevel: env.LOG_LEVEL,
  }
}
