import type { Pool } from 'pg'

export interface ApiKey {
  id: string
  name: string
  role: 'admin' | 'submitter'
  created_at: Date
}

export async function findKey(pool: Pool, hash: Buffer): Promise<ApiKey | undefined> {
  const { rows } = await pool.query<ApiKey>({
    name: 'find_key',
    text: `SELECT id, name, role, created_at FROM builds.api_key
      WHERE hash = $1 AND revoked_at IS NULL`,
    values: [hash],
  })
  return rows[0]
}

export async function listKeys(pool: Pool): Promise<ApiKey[]> {
  const { rows } = await pool.query<ApiKey>(
    `SELECT id, name, role, created_at FROM builds.api_key
      WHERE revoked_at IS NULL ORDER BY created_at, id`,
  )
  return rows
}

export async function createKey(
  pool: Pool,
  key: { id: string; name: string; role: ApiKey['role']; hash: Buffer },
): Promise<void> {
  await pool.query('INSERT INTO builds.api_key (id, name, role, hash) VALUES ($1, $2, $3, $4)', [
    key.id,
    key.name,
    key.role,
    key.hash,
  ])
}

/** Whether there was one. */
export async function revokeKey(pool: Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    'UPDATE builds.api_key SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL',
    [id],
  )
  return rowCount === 1
}
