import { messageOf } from '@corroport/bus'
import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import type { Logger } from 'pino'
import type { Database } from './tables.ts'

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
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  return {
    db,
    pool,
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}

/** A refused connection to a name with several addresses has its words only in its parts. */
export function reasonOf(error: unknown): string {
  return error instanceof AggregateError ? error.errors.map(reasonOf).join(', ') : messageOf(error)
}
