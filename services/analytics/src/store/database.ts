import { isRecording, messageOf } from '@corroport/bus'
import { openPool, type PoolOptions } from '@corroport/postgres'
import { Kysely, PostgresDialect } from 'kysely'
import type { Pool } from 'pg'
import type { Database } from './tables.ts'
import { traceStatement } from './trace-statement.ts'

export type Db = Kysely<Database>

export interface OpenedDatabase extends AsyncDisposable {
  readonly db: Db
  /** For what needs a session of its own: a lock, or notices. */
  readonly pool: Pool
}

/** Connects at the first query, and again after each loss. */
export function openDatabase({
  connections = 6,
  ...options
}: Omit<PoolOptions, 'connections'> & { connections?: number }): OpenedDatabase {
  const pool = openPool({ ...options, connections })
  const db = new Kysely<Database>({
    dialect: new PostgresDialect({ pool }),
    ...(isRecording() && { log: traceStatement }),
  })
  return { db, pool, [Symbol.asyncDispose]: () => db.destroy() }
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
