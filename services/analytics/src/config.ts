import {
  type LogLevel,
  LogLevelSetting,
  type OperatorConfig,
  operatorVariables,
  readEnvironment,
  secret,
  toOperatorConfig,
} from '@corroport/service'
import { Type } from 'typebox'

export const Environment = Type.Object({
  NATS_URL: Type.String({ default: 'nats://127.0.0.1:4222', description: 'nats://host:port' }),
  NATS_USER: Type.Optional(
    Type.String({ description: 'with NATS_PASSWORD, where NATS has users' }),
  ),
  NATS_PASSWORD: Type.Optional(secret(Type.String(), { description: 'of NATS_USER' })),
  DATABASE_URL: secret(Type.String({ pattern: '^postgres(ql)?://' }), {
    description: 'postgres://user:password@host:port/database',
  }),
  DATABASE_READER_URL: Type.Optional(
    secret(Type.String({ pattern: '^postgres(ql)?://' }), {
      description:
        'who reads the tables for people; without it the role corroport_reader, which is made by the role of DATABASE_URL',
    }),
  ),
  STATE_DIR: Type.String({ description: 'folder for what it has to tell and NATS has not yet' }),
  ...operatorVariables,
  RETENTION_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 3650,
    description: 'raw records are kept so long; the figures of experiments stay',
  }),
  ACK_WAIT_MS: Type.Integer({
    default: 30_000,
    minimum: 1000,
    maximum: 3_600_000,
    description:
      'an acknowledgement that comes later after the last message of an experiment is late',
  }),
  CLOCK_PROBE_INTERVAL_MS: Type.Integer({
    default: 10_000,
    minimum: 500,
    maximum: 600_000,
    description: "how often every node's clock is compared with this one's",
  }),
  LOG_LEVEL: LogLevelSetting,
})

export interface Config extends OperatorConfig {
  nats: { url: string; user: string | undefined; password: string | undefined }
  /** Secret: it holds a password. */
  databaseUrl: string
  /** Secret too. */
  databaseReaderUrl: string | undefined
  stateDir: string
  retentionDays: number
  ackWaitMs: number
  clockProbeIntervalMs: number
  logLevel: LogLevel
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const env = readEnvironment(Environment, environment)
  return {
    nats: { url: env.NATS_URL, user: env.NATS_USER, password: env.NATS_PASSWORD },
    databaseUrl: env.DATABASE_URL,
    databaseReaderUrl: env.DATABASE_READER_URL,
    stateDir: env.STATE_DIR,
    ...toOperatorConfig(env),
    retentionDays: env.RETENTION_DAYS,
    ackWaitMs: env.ACK_WAIT_MS,
    clockProbeIntervalMs: env.CLOCK_PROBE_INTERVAL_MS,
    logLevel: env.LOG_LEVEL,
  }
}
