import type { Pool, PoolClient } from 'pg'

export interface BuildEvent {
  /** A bigint; within a build they go up. */
  id: string
  kind: string
  build_id: string | null
  worker_id: string | null
  at: Date
  data: Record<string, unknown>
}

const columns = 'id, kind, build_id, worker_id, at, data'
const maxListed = 1000

/** What happened to a build, oldest first. */
export async function listEvents(pool: Pool, buildId: string): Promise<BuildEvent[]> {
  const { rows } = await pool.query<BuildEvent>(
    `SELECT ${columns} FROM builds.event WHERE build_id = $1 ORDER BY id LIMIT ${maxListed}`,
    [buildId],
  )
  return rows
}

/** Something that is no step of a build or worker. */
export async function addEvent(
  pool: Pool,
  kind: string,
  data: Record<string, unknown>,
): Promise<void> {
  await pool.query({
    name: 'add_event',
    text: 'INSERT INTO builds.event (kind, data) VALUES ($1, $2)',
    values: [kind, JSON.stringify(data)],
  })
}

/** What was not told yet, oldest first. */
export async function listUntold(client: PoolClient, limit: number): Promise<BuildEvent[]> {
  const { rows } = await client.query<BuildEvent>({
    name: 'untold',
    text: `SELECT ${columns} FROM builds.event WHERE told_at IS NULL ORDER BY id LIMIT $1`,
    values: [limit],
  })
  return rows
}

export async function markTold(client: PoolClient, events: readonly BuildEvent[]): Promise<void> {
  await client.query({
    name: 'mark_told',
    text: 'UPDATE builds.event SET told_at = now() WHERE id = ANY ($1::bigint[]) AND told_at IS NULL',
    values: [events.map(({ id }) => id)],
  })
}

/** Makes the newest events, up to so many, untold that were told since so many seconds. */
export async function forgetTold(
  client: PoolClient,
  { newest, seconds }: { newest: number; seconds: number },
): Promise<void> {
  await client.query(
    `UPDATE builds.event SET told_at = NULL WHERE id IN (
        SELECT id FROM builds.event ORDER BY id DESC LIMIT $1
      ) AND told_at > now() - make_interval(secs => $2)`,
    [newest, seconds],
  )
}
