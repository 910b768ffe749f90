import type { Pool } from 'pg'

export interface BuildEvent {
  id: string
  kind: string
  build_id: string | null
  worker_id: string | null
  at: Date
  data: Record<string, unknown>
}

const maxListed = 1000

/** What happened to a build, oldest first. */
export async function listEvents(pool: Pool, buildId: string) {
  const { rows } = await pool.query<BuildEvent>(
    `SELECT id, kind, build_id, worker_id, at, data FROM builds.event
      WHERE build_id = $1 ORDER BY id LIMIT ${maxListed}`,
    [buildId],
  )
  return rows.map(({ kind, worker_id, at, data }) => ({
    kind,
    at: at.toISOString(),
    ...(worker_id !== null && { worker_id }),
    ...data,
  }))
}
