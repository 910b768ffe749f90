import { Pool, type PoolConfig } from 'pg'
import type { Logger } from 'pino'

export interface PoolOptions {
  url: string
  log: Logger
  /** Shown in pg_stat_activity. */
  name: string
  connections: number
  /** Undefined: a query may take as long as it takes. */
  queryTimeoutMs?: number
}

/** Connects at the first query, and again after each loss. */
export function openPool({ url, log, name, connections, queryTimeoutMs }: PoolOptions): Pool {
  const settings: PoolConfig = {
    connectionString: url,
    application_name: name,
    max: connections,
    connectionTimeoutMillis: 5000,
  }
  if (queryTimeoutMs !== undefined) settings.query_timeout = queryTimeoutMs
  const pool = new Pool(settings)
  // Without a listener the loss of a connection would end the process: the pool hears idle ones only,
  // and the query that one in use was lost with fails by itself.
  pool.on('error', ({ message }) => log.warn({ reason: message }, 'postgres lost'))
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}
