import {
  clusterVariables,
  type NodeConfig,
  nodeVariables,
  toClusterSettings,
  toNodeConfig,
} from '@corroport/node-process'
import { readEnvironment } from '@corroport/service'
import { Type } from 'typebox'

export const Environment = Type.Object({
  ...nodeVariables,
  HEARTBEAT_TIMEOUT: clusterVariables.HEARTBEAT_TIMEOUT,
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
})

export interface Config extends NodeConfig {
  heartbeatTimeoutMs: number
  ackTimeoutMs: number
  ackMaxAgeMs: number
  ackConcurrency: number
  receiptRetentionHours: number
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  // First, since it knows what takes the place of settings that are not there.
  const { heartbeatTimeoutMs } = toClusterSettings(environment).settings
  const env = readEnvironment(Environment, environment)
  return {
    ...toNodeConfig(env),
    heartbeatTimeoutMs,
    ackTimeoutMs: env.ACK_TIMEOUT_MS,
    ackMaxAgeMs: env.ACK_MAX_AGE_MS,
    ackConcurrency: env.ACK_CONCURRENCY,
    receiptRetentionHours: env.RECEIPT_RETENTION_HOURS,
  }
}
