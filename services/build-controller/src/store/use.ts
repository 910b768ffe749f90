import type { Pool } from 'pg'

export interface Use {
  database_bytes: number
  oldest_pending_seconds: number | null
  /** Events that NATS has not been told yet. */
  untold_events: number
  log_lines: number
}

/** What the queue takes of its database; log lines are estimated. */
export async function readUse(pool: Pool): Promise<Use> {
  const { rows } = await pool.query<Use>(
    `SELECT (SELECT sum(pg_total_relation_size(c.oid))::float8 FROM pg_class c
        WHERE c.relnamespace = 'builds'::regnamespace AND c.relkind = 'r') AS database_bytes,
      (SELECT extract(epoch FROM now() - min(submitted_at))::float8 FROM builds.build
        WHERE status = 'pending') AS oldest_pending_seconds,
      (SELECT count(*)::integer FROM builds.event WHERE told_at IS NULL) AS untold_events,
      (SELECT greatest(reltuples, 0)::float8 FROM pg_class
        WHERE oid = 'builds.log'::regclass) AS log_lines`,
  )
  const [row] = rows
  if (!row) throw new Error('unreachable: a query without tables gave no row')
  return row
}
