import type { Pool } from 'pg'

export interface Diagnosis {
  /** A bigint. */
  id: string
  worker_id: string
  status: 'healthy' | 'warning' | 'critical'
  duration_ms: number
  auto_fixed: boolean
  checks: unknown[]
  run_at: Date
}

/** Of each worker as many are kept. */
const kept = 100

export async function storeDiagnosis(
  pool: Pool,
  diagnosis: {
    workerId: string
    status: Diagnosis['status']
    durationMs: number
    autoFixed: boolean
    checks: readonly unknown[]
  },
): Promise<string> {
  const { workerId, status, durationMs, autoFixed, checks } = diagnosis
  const { rows } = await pool.query<{ id: string }>(
    `INSERT INTO builds.diagnosis (worker_id, status, duration_ms, auto_fixed, checks)
      VALUES ($1, $2, $3, $4, $5) RETURNING id`,
    [workerId, status, durationMs, autoFixed, JSON.stringify(checks)],
  )
  await pool.query(
    `DELETE FROM builds.diagnosis WHERE worker_id = $1 AND id <= (
      SELECT id FROM builds.diagnosis WHERE worker_id = $1 ORDER BY id DESC OFFSET ${kept} LIMIT 1)`,
    [workerId],
  )
  const [row] = rows
  if (!row) throw new Error('unreachable: an insert gave no row')
  return row.id
}

/** Newest first. */
export async function listDiagnoses(
  pool: Pool,
  workerId: string,
  limit: number,
): Promise<Diagnosis[]> {
  const { rows } = await pool.query<Diagnosis>(
    `SELECT id, worker_id, status, duration_ms, auto_fixed, checks, run_at
      FROM builds.diagnosis WHERE worker_id = $1 ORDER BY id DESC LIMIT $2`,
    [workerId, limit],
  )
  return rows
}
