import { openPool, type PoolOptions } from '@corroport/postgres'
import { Kysely, PostgresDialect } from 'kysely'
import type { Pool } from 'pg'

export interface OpenedDatabase extends AsyncDisposable {
  readonly pool: Pool
  /** For migrations. */
  readonly db: Kysely<unknown>
}

/** Connects at the first query, and again after each loss. */
export function openDatabase({
  connections = 10,
  ...options
}: Omit<PoolOptions, 'connections'> & { connections?: number }): OpenedDatabase {
  // A server that hangs is away too.
  const pool = openPool({ ...options, connections, queryTimeoutMs: 30_000 })
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) })
  return { pool, db, [Symbol.asyncDispose]: () => db.destroy() }
}

/** Whether what failed has no answer of Postgres: it is away, or it ended this session. */
export function isAway(error: unknown): boolean {
  if (!Error.isError(error)) return false
  if (error instanceof AggregateError) return error.errors.some(isAway)
  const code = 'code' in error ? String(error.code) : ''
  // 57P0x: shut down or terminated by an operator; 08: connection; 53300: no more of them.
  if (/^(57P0|08|53300)/.test(code)) return true
  if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND'].includes(code)) return true
  return /^(Connection terminated|timeout ex|Query read timeout|Client has encountered)/.test(
    error.message,
  )
}

/** Whether the statement may have been carried out: it was sent, and its answer did not come. */
export function isUncertain(error: unknown): boolean {
  if (!isAway(error) || !Error.isError(error) || error instanceof AggregateError) return false
  const code = 'code' in error ? String(error.code) : ''
  const isRefused = ['ECONNREFUSED', 'ENOTFOUND', '53300'].includes(code)
  // What ran out is the time to have a connection.
  return !isRefused && !error.message.startsWith('timeout ex')
}
