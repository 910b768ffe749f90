import {
  EnvironmentError,
  type LogLevel,
  LogLevelSetting,
  type OperatorConfig,
  operatorVariables,
  Port,
  readEnvironment,
  secret,
  setting,
  toOperatorConfig,
} from '@corroport/service'
import { Type } from 'typebox'
import { deriveKey } from './files/certificates.ts'
import { hashOf } from './tokens.ts'

const Secret = Type.String({ pattern: '^[!-~]{32,512}$' })
const seconds = (maximum: number) => Type.Integer({ minimum: 1, maximum })

export const Environment = Type.Object({
  CONTROLLER_API_KEY: secret(Secret, {
    description: 'of whoever may do everything; 32 visible characters or more',
  }),
  DATABASE_URL: secret(Type.String({ pattern: '^postgres(ql)?://' }), {
    description: 'postgres://user:password@host:port/database',
  }),
  STORAGE_ROOT: Type.String({
    description: 'folder for sources, certificates and results; several controllers share it',
  }),
  PORT: setting(Port, { default: 4444, description: 'port of the API and its page' }),
  HOST: Type.String({ default: '127.0.0.1', description: 'address of the API and its page' }),
  WORKER_ENROLMENT_TOKEN: Type.Optional(
    secret(Secret, {
      description:
        'a new worker shows it as X-Enrolment-Token; 32 visible characters or more. Without it only CONTROLLER_API_KEY registers workers',
    }),
  ),
  ACCEPT_UNENROLLED_WORKERS: Type.Boolean({
    default: false,
    description:
      'true lets the original worker app in, which shows nothing when it registers and reports: whoever reaches the port may then be a worker and read sources and certificates of builds that it is given',
  }),
  CERTIFICATES_KEY: Type.Optional(
    secret(Secret, {
      description:
        'encrypts certificates at rest; 32 visible characters or more. Without it CONTROLLER_API_KEY does, and a change of that makes those of waiting builds unreadable',
    }),
  ),
  LEASE_SECONDS: setting(seconds(3600), {
    default: 120,
    description: 'a worker that is not heard for so long has lost its build',
  }),
  FIRST_LEASE_SECONDS: setting(seconds(7200), {
    default: 600,
    description: 'the same until it is heard first: it fetches an image and starts a machine',
  }),
  BUILD_LIMIT_MINUTES: Type.Integer({
    default: 150,
    minimum: 1,
    maximum: 10_080,
    description: 'a build that takes longer fails',
  }),
  MAX_LOSSES: Type.Integer({
    default: 3,
    minimum: 1,
    maximum: 100,
    description: 'a build whose workers were lost so often is dead',
  }),
  RETRY_SECONDS: Type.Integer({
    default: 10,
    minimum: 0,
    maximum: 600,
    description: 'before a lost build is given out again; doubled by each loss, 600 at most',
  }),
  MAX_PENDING_BUILDS: Type.Integer({
    default: 10_000,
    minimum: 1,
    maximum: 10_000_000,
    description: 'beyond so many that wait, a submission is answered 503',
  }),
  MAX_SOURCE_BYTES: Type.Integer({
    default: 524_288_000,
    minimum: 1,
    maximum: 2 ** 40,
    description: 'of one source',
  }),
  MAX_CERTS_BYTES: Type.Integer({
    default: 10_485_760,
    minimum: 1,
    maximum: 104_857_600,
    description: 'of one bundle of certificates, as it is sent',
  }),
  MAX_RESULT_BYTES: Type.Integer({
    default: 1_073_741_824,
    minimum: 1,
    maximum: 2 ** 40,
    description: 'of one result',
  }),
  RETENTION_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 3650,
    description: 'so long after its end a build, its log and its files are kept',
  }),
  BASE_IMAGE_ID: Type.Optional(
    Type.String({ maxLength: 256, description: 'image that workers start a build in' }),
  ),
  NATS_URL: Type.Optional(
    Type.String({ description: 'nats://host:port; without it builds are told to nobody' }),
  ),
  NATS_USER: Type.Optional(
    Type.String({ description: 'with NATS_PASSWORD, where NATS has users' }),
  ),
  NATS_PASSWORD: Type.Optional(secret(Type.String(), { description: 'of NATS_USER' })),
  ...operatorVariables,
  LOG_LEVEL: LogLevelSetting,
})

export interface Config extends OperatorConfig {
  /** Hashed: nothing needs the key itself. */
  apiKeyHash: Buffer
  enrolmentHash: Buffer | undefined
  acceptUnenrolled: boolean
  /** Secret. */
  certificatesKey: Buffer
  /** Secret: it holds a password. */
  databaseUrl: string
  storageRoot: string
  port: number
  host: string
  leaseSeconds: number
  firstLeaseSeconds: number
  limitMinutes: number
  maxLosses: number
  retrySeconds: number
  maxPending: number
  maxSourceBytes: number
  maxCertsBytes: number
  maxResultBytes: number
  retentionDays: number
  baseImageId: string | undefined
  nats: { url: string; user: string | undefined; password: string | undefined } | undefined
  logLevel: LogLevel
}

/** Throws `EnvironmentError` with every variable that does not fit. */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const env = readEnvironment(Environment, environment)
  if (env.ACCEPT_UNENROLLED_WORKERS && env.WORKER_ENROLMENT_TOKEN !== undefined) {
    throw new EnvironmentError(
      'ACCEPT_UNENROLLED_WORKERS=true lets everyone in without WORKER_ENROLMENT_TOKEN: set one of them',
    )
  }
  return {
    apiKeyHash: hashOf(env.CONTROLLER_API_KEY),
    enrolmentHash:
      env.WORKER_ENROLMENT_TOKEN === undefined ? undefined : hashOf(env.WORKER_ENROLMENT_TOKEN),
    acceptUnenrolled: env.ACCEPT_UNENROLLED_WORKERS,
    certificatesKey: deriveKey(env.CERTIFICATES_KEY ?? env.CONTROLLER_API_KEY),
    databaseUrl: env.DATABASE_URL,
    storageRoot: env.STORAGE_ROOT,
    port: env.PORT,
    host: env.HOST,
    leaseSeconds: env.LEASE_SECONDS,
    firstLeaseSeconds: env.FIRST_LEASE_SECONDS,
    limitMinutes: env.BUILD_LIMIT_MINUTES,
    maxLosses: env.MAX_LOSSES,
    retrySeconds: env.RETRY_SECONDS,
    maxPending: env.MAX_PENDING_BUILDS,
    maxSourceBytes: env.MAX_SOURCE_BYTES,
    maxCertsBytes: env.MAX_CERTS_BYTES,
    maxResultBytes: env.MAX_RESULT_BYTES,
    retentionDays: env.RETENTION_DAYS,
    baseImageId: env.BASE_IMAGE_ID,
    nats:
      env.NATS_URL === undefined
        ? undefined
        : { url: env.NATS_URL, user: env.NATS_USER, password: env.NATS_PASSWORD },
    ...toOperatorConfig(env),
    logLevel: env.LOG_LEVEL,
  }
}
