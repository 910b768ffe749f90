import { Kysely, PostgresDialect } from 'kysely'
import { Pool } from 'pg'
import type { Logger } from 'pino'

export interface OpenedDatabase extends AsyncDisposable {
  readonly pool: Pool
  /** For migrations. */
  readonly db: Kysely<unknown>
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
    max: options.connections ?? 10,
    connectionTimeoutMillis: 5000,
    // A server that hangs is away too.
    query_timeout: 30_000,
  })
  // Without a listener the loss of a connection would end the process: the pool hears idle ones only,
  // and the query that one in use was lost with fails by itself.
  pool.on('error', ({ message }) => options.log.warn({ reason: message }, 'postgres lost'))
  pool.on('connect', (client) => client.on('error', () => undefined))
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  return {
    pool,
    db,
    [Symbol.asyncDispose]: () => db.destroy(),
  }
}

/** Whether what failed has no answer of Postgres: it is away, or it ended this session. */
export function isAway(error: unknown): boolean {
  if (!Error.isError(error)) return false
  if (error instanceof AggregateError) return error.errors.some(isAway)
  const code = 'code' in error ? String(error.code) : ''
  // 57P0x: shut down or terminated by an operator; 08: connection; 53300: no more of them.
  if (/^(57P0|08|53300)/.test(code)) return true
  if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'].includes(code)) return true
  return /^(Connection terminated|timeout exceeded|Query read timeout|Client has encountered)/.test(
    error.message,
  )
}
