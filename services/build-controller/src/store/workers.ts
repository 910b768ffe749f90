import type { BuildWorkerCounts } from '@corroport/contracts'
import type { Pool } from 'pg'

/** A row of `builds.worker`, and what it holds. */
export interface Worker {
  id: string
  name: string
  platforms: string[]
  labels: string[]
  state: 'here' | 'draining' | 'left'
  builds_completed: number
  builds_failed: number
  registered_at: Date
  seen_at: Date
  build_id: string | null
  /** `offline`: not seen for five minutes, and it builds nothing. */
  status: 'idle' | 'building' | 'draining' | 'offline'
}

// Workers of the original app ask every 30 s.
export const offlineAfterMinutes = 5

const select = `SELECT w.id, w.name, w.platforms, w.labels, w.state, w.builds_completed,
    w.builds_failed, w.registered_at, w.seen_at, b.id AS build_id,
    CASE WHEN b.id IS NOT NULL THEN 'building'
      WHEN w.state = 'left' OR w.seen_at < now() - interval '${offlineAfterMinutes} minutes'
        THEN 'offline'
      WHEN w.state = 'draining' THEN 'draining' ELSE 'idle' END AS status
  FROM builds.worker w
  LEFT JOIN builds.build b ON b.worker_id = w.id AND b.status IN ('assigned', 'building')`

export async function findWorkerByToken(pool: Pool, hash: Buffer): Promise<Worker | undefined> {
  const { rows } = await pool.query<Worker>({
    name: 'worker_by_token',
    text: `${select} WHERE w.token_hash = $1`,
    values: [hash],
  })
  return rows[0]
}

export async function findWorker(pool: Pool, id: string): Promise<Worker | undefined> {
  const { rows } = await pool.query<Worker>(`${select} WHERE w.id = $1`, [id])
  return rows[0]
}

/** Seen last first. */
export async function listWorkers(pool: Pool, limit: number): Promise<Worker[]> {
  const { rows } = await pool.query<Worker>(`${select} ORDER BY w.seen_at DESC, w.id LIMIT $1`, [
    limit,
  ])
  return rows
}

export interface Registration {
  id: string
  name: string
  platforms: readonly string[]
  labels: readonly string[]
  capabilities: Record<string, unknown>
  tokenHash: Buffer
}

/** A new worker, or a known one with what it is able to do now. Its earlier token ends. */
export async function register(pool: Pool, worker: Registration): Promise<void> {
  const { id, name, platforms, labels, capabilities, tokenHash } = worker
  await pool.query(
    `WITH registered AS (
      INSERT INTO builds.worker (id, name, platforms, labels, capabilities, token_hash)
      VALUES ($1, $2, $3, $4, $5, $6)
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, platforms = excluded.platforms,
        labels = excluded.labels, capabilities = excluded.capabilities,
        token_hash = excluded.token_hash, state = 'here', seen_at = now()
      RETURNING id
    ) INSERT INTO builds.event (kind, worker_id, data)
      SELECT 'worker.registered', id, jsonb_build_object('name', $2::text, 'platforms', $3::text[])
      FROM registered`,
    [id, name, platforms, labels, JSON.stringify(capabilities), tokenHash],
  )
}

export async function setWorkerState(
  pool: Pool,
  id: string,
  state: Worker['state'],
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `WITH changed AS (
      UPDATE builds.worker SET state = $2 WHERE id = $1 RETURNING id
    ) INSERT INTO builds.event (kind, worker_id, data)
      SELECT 'worker.' || CASE $2::text WHEN 'here' THEN 'returned' ELSE $2::text END, id, '{}'
      FROM changed`,
    [id, state],
  )
  return rowCount === 1
}

export async function countWorkers(pool: Pool): Promise<BuildWorkerCounts> {
  const { rows } = await pool.query<{ status: Worker['status']; count: number }>(
    `SELECT status, count(*)::integer AS count FROM (${select}) AS worker GROUP BY status`,
  )
  const counts: BuildWorkerCounts = { total: 0, idle: 0, building: 0, draining: 0, offline: 0 }
  for (const { status, count } of rows) {
    counts[status] = count
    counts.total += count
  }
  return counts
}
