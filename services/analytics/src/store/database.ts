import { isRecording, messageOf } from '@corroport/bus'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import type { Logger } from 'pino'
import type { Database } from './tables.ts'
import { traceStatement } from './trace-statement.ts'

export type Db = Kysely<Database>

export interface OpenedDatabase extends AsyncDisposable {
  readonly db: Db
  /** For what needs a session of its own: a lock, or notices. */
  readonly pool: Pool
}

/** Connects at the first query, and again after each loss. */
export function openDatabase(options: {
  url: string
  log: Logger
  /** Shown in pg_stat_activity. */
  name: string
  connections?: number
}): OpenedDatabase {
  const pool = new Pool({
    connectionString: options.url,
    application_name: options.name,
    max: options.connections ?? 6,
    connectionTimeoutMillis: 5000,
  })
  // Without a listener the loss of a connection would end the process: the pool hears idle ones only,
  // and the query that one in use was lost with fails by itself.
  pool.on('error', ({ message }) => options.log.warn({ reason: message }, 'postgres lost'))
  pool.on('connect', (client) => client.on('error', () => undefined))
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool }),
    ...(isRecording() && { log: traceStatement }),
  })
  return {
    db,
    pool,
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}

/** By what Postgres says of a session that it does not begin. */
const advices: Readonly<Record<string, string>> = {
  '28P01': 'DATABASE_URL (or DATABASE_URL_FILE) has to hold the password of its user',
  '28000': 'DATABASE_URL (or DATABASE_URL_FILE) has to name a user whom Postgres lets in from here',
  '3D000': 'create the database that DATABASE_URL names',
  '42501': 'give the user of DATABASE_URL its rights: it has to own the tables',
  '53100': 'make room on the volume of Postgres',
}

/** What a person can do; undefined where time is likely to help. */
export function adviceAbout(error: unknown): string | undefined {
  return Error.isError(error) && 'code' in error ? advices[String(error.code)] : undefined
}

/** A refused connection to a name with several addresses has its words only in its parts. */
export function reasonOf(error: unknown): string {
  return error instanceof AggregateError ? error.errors.map(reasonOf).join(', ') : messageOf(error)
}
