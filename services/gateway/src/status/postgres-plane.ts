import type { Bus } from '@corroport/bus'
import {
  type ClusterStatus,
  createParser,
  nullable,
  type SchemaState,
  schemaQueried,
} from '@corroport/contracts'
import { Pool } from 'pg'
import type { Logger } from 'pino'
import { type Static, Type } from 'typebox'
import { lookDeadlineMs, reasonOf, type Sampler, startSampler } from './sampler.ts'

export type PostgresPlane = ClusterStatus['planes']['postgres']

const Facts = Type.Object({
  is_standby: Type.Boolean(),
  version: Type.String(),
  synchronous_standby_names: Type.String(),
  replicas: Type.Array(
    Type.Object({
      name: Type.String(),
      state: Type.String(),
      sync: Type.String(),
      replay_lag_ms: nullable(Type.Number()),
    }),
  ),
})
const parseFacts = createParser('what postgres tells of itself', Facts)

export interface PostgresFacts extends Static<typeof Facts> {
  latencyMs: number
  /** Null where no analytics answers. */
  migrations: SchemaState | null
}

// A role that may not see the others' statistics gets their rows with nothing in them.
const query = `
  SELECT pg_is_in_recovery() AS is_standby,
    current_setting('server_version') AS version,
    current_setting('synchronous_standby_names') AS synchronous_standby_names,
    (SELECT coalesce(json_agg(json_build_object(
       'name', coalesce(application_name, ''),
       'state', coalesce(state, 'unknown'),
       'sync', coalesce(sync_state, 'unknown'),
       'replay_lag_ms', extract(epoch FROM replay_lag) * 1000)), '[]')
     FROM pg_stat_replication) AS replicas`

export interface PostgresSampler extends Sampler<PostgresFacts> {
  pool(): NonNullable<PostgresPlane['pool']>
}

/** One connection, kept open, and used for nothing else. */
export function startPostgresSampler(
  { databaseUrl, bus, log }: { databaseUrl: string; bus: Bus; log: Logger },
  onLooked: () => void,
): PostgresSampler {
  const pool = new Pool({
    connectionString: databaseUrl,
    application_name: 'corroport status',
    max: 1,
    connectionTimeoutMillis: lookDeadlineMs - 100,
    query_timeout: lookDeadlineMs - 100,
  })
  const mask = (text: string): string => maskSecrets(text, databaseUrl)
  // Without a listener the loss of an idle connection would end the process.
  pool.on('error', ({ message }) => log.debug({ reason: mask(message) }, 'postgres lost'))

  const sampler = startSampler({
    onLooked,
    // No error is kept whole: the address may stand in it, with its password.
    explain: (error) => mask(reasonOf(error)),
    look: async () => {
      const startedAt = performance.now()
      await pool.query('SELECT 1')
      const latencyMs = performance.now() - startedAt
      const [{ rows }, migrations] = await Promise.all([
        pool.query<Record<string, unknown>>(query),
        bus.request(schemaQueried, {}, {}).catch(() => null), // its silence is no fault of postgres
      ])
      return { ...parseFacts(rows[0]), latencyMs, migrations }
    },
  })
  return {
    read: () => sampler.read(),
    pool: () => ({ size: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async [Symbol.asyncDispose]() {
      await sampler[Symbol.asyncDispose]()
      await pool.end()
    },
  }
}

/** Of nothing, where there is no Postgres. */
export function describePostgres(sampler?: Pick<PostgresSampler, 'read' | 'pool'>): PostgresPlane {
  const reading = sampler?.read()
  const facts = reading?.value
  const plane: PostgresPlane = {
    state: 'ok',
    age_ms: reading?.ageMs ?? null,
    error: reading?.error ?? null,
    role: facts ? (facts.is_standby ? 'standby' : 'primary') : 'unknown',
    latency_ms: facts?.latencyMs ?? null,
    version: facts?.version ?? null,
    replicas: facts?.replicas ?? [],
    pool: sampler?.pool() ?? null,
    migrations: facts?.migrations ?? null,
  }
  if (!reading) return { ...plane, state: 'none', role: 'none' }
  if (!facts) return { ...plane, state: reading.state === 'stale' ? 'unknown' : 'unavailable' }
  const { wanted, effective } = durability(facts)
  const pending = facts.migrations?.pending ?? []
  const problems = [
    ...(facts.is_standby || effective >= wanted
      ? []
      : [`a commit is on ${effective} of ${wanted} servers`]),
    ...(pending.length === 0
      ? []
      : [`migrations are missing: ${pending.join(', ')}; run corroport analytics migrate`]),
  ]
  return problems.length === 0 ? plane : { ...plane, state: 'degraded', error: problems.join('; ') }
}

/** On how many servers a commit is before it is answered: wanted by the settings, and so now. */
export function durability(facts: PostgresFacts): { wanted: number; effective: number } {
  const names = facts.synchronous_standby_names.trim()
  // ANY 2 (a, b, c), FIRST 1 (a, b), 1 (a, b), or only names, of which the first counts.
  const count = /^(?:any|first)?\s*(\d+)\s*\(/i.exec(names)?.[1] ?? (names === '' ? 0 : 1)
  const synchronous = facts.replicas.filter(({ sync }) => sync === 'sync' || sync === 'quorum')
  return { wanted: Number(count) + 1, effective: synchronous.length + 1 }
}

/** Takes a password of `url` out of a text, however it is written there. */
export function maskSecrets(text: string, url: string): string {
  const password = /^[^:]+:\/\/[^:@/]*:([^@]*)@/.exec(url)?.[1] ?? ''
  const parameter = /[?&]password=([^&#]*)/.exec(url)?.[1] ?? ''
  return [password, parameter]
    .flatMap((secret) => [secret, decoded(secret)])
    .filter((secret) => secret !== '')
    .reduce((masked, secret) => masked.replaceAll(secret, '***'), text)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // then it stands as it is written
  }
}
