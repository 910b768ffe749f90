import type { BuildCounts, BuildStatus } from '@corroport/contracts'
import type { Pool } from 'pg'

/** A row of `builds.build`. Integers of 64 bits come as text. */
export interface Build {
  id: string
  owner: string
  platform: 'ios' | 'android'
  labels: string[]
  priority: number
  status: BuildStatus
  token_hash: Buffer
  retry_of: string | null
  source_name: string
  source_bytes: string
  source_sha256: Buffer
  certs_name: string | null
  certs_bytes: string | null
  result_name: string | null
  result_bytes: string | null
  result_sha256: Buffer | null
  files_removed_at: Date | null
  submitted_at: Date
  assigned_at: Date | null
  started_at: Date | null
  finished_at: Date | null
  attempt: number
  losses: number
  worker_id: string | null
  worker_name: string | null
  lease_hash: Buffer | null
  lease_seconds: number | null
  vm_token_hash: Buffer | null
  vm_ready_at: Date | null
  heard_at: Date | null
  reason: string | null
  failure: string | null
  log_lines: string
}

const columns = `b.id, b.owner, b.platform, b.labels, b.priority, b.status, b.token_hash, b.retry_of,
  b.source_name, b.source_bytes, b.source_sha256, b.certs_name, b.certs_bytes,
  b.result_name, b.result_bytes, b.result_sha256, b.files_removed_at,
  b.submitted_at, b.assigned_at, b.started_at, b.finished_at,
  b.attempt, b.losses, b.worker_id, w.name AS worker_name, b.lease_hash, b.lease_seconds,
  b.vm_token_hash, b.vm_ready_at, b.heard_at, b.reason, b.failure, b.log_lines`

export async function findBuild(pool: Pool, id: string): Promise<Build | undefined> {
  const { rows } = await pool.query<Build>({
    name: 'find_build',
    text: `SELECT ${columns} FROM builds.build b LEFT JOIN builds.worker w ON w.id = b.worker_id
      WHERE b.id = $1`,
    values: [id],
  })
  return rows[0]
}

export interface StoredFile {
  name: string
  bytes: number
  sha256: Buffer
}

export interface NewBuild {
  id: string
  owner: string
  platform: 'ios' | 'android'
  labels: readonly string[]
  priority: number
  tokenHash: Buffer
  idempotencyKey: string | null
  retryOf: string | null
  source: StoredFile
  certs: { name: string; bytes: number } | null
}

// What one step of priority is worth: a build overtakes those that came so much before it.
const minutesPerStep = 10

/** Undefined where another build has this key of idempotency. Its files are durable by now. */
export async function insertBuild(
  pool: Pool,
  build: NewBuild,
): Promise<{ submitted_at: Date } | undefined> {
  const { rows } = await pool.query<{ submitted_at: Date }>({
    name: 'insert_build',
    text: `WITH inserted AS (
        INSERT INTO builds.build (id, owner, platform, labels, priority, status, token_hash,
          idempotency_key, retry_of, source_name, source_bytes, source_sha256, certs_name,
          certs_bytes, submitted_at, position, available_at)
        VALUES ($1, $2, $3, $4, $5::smallint, 'pending', $6, $7, $8, $9, $10, $11, $12, $13, now(),
          now() - $5::smallint * interval '${minutesPerStep} minutes', '-infinity')
        ON CONFLICT (owner, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        RETURNING id, submitted_at
      ), told AS (
        INSERT INTO builds.event (kind, build_id, data)
        SELECT 'build.submitted', id, jsonb_strip_nulls(jsonb_build_object(
          'platform', $3::text, 'owner', $2::text, 'sourceBytes', $10::bigint, 'retryOf', $8::text))
        FROM inserted
      ) SELECT submitted_at FROM inserted`,
    values: [
      build.id,
      build.owner,
      build.platform,
      build.labels,
      build.priority,
      build.tokenHash,
      build.idempotencyKey,
      build.retryOf,
      build.source.name,
      build.source.bytes,
      build.source.sha256,
      build.certs?.name ?? null,
      build.certs?.bytes ?? null,
    ],
  })
  return rows[0]
}

/** The build that an earlier submission with this key made. */
export async function findByKey(
  pool: Pool,
  owner: string,
  idempotencyKey: string,
): Promise<Build | undefined> {
  const { rows } = await pool.query<{ id: string }>(
    'SELECT id FROM builds.build WHERE owner = $1 AND idempotency_key = $2',
    [owner, idempotencyKey],
  )
  return rows[0] && (await findBuild(pool, rows[0].id))
}

/** From now on this is the token of the build, and no other. */
export async function replaceToken(pool: Pool, id: string, tokenHash: Buffer): Promise<void> {
  await pool.query('UPDATE builds.build SET token_hash = $2 WHERE id = $1', [id, tokenHash])
}

/** The virtual machine of a build says that it is up; when it said so first. */
export async function noteVmReady(pool: Pool, id: string, vmHash: Buffer): Promise<Date | null> {
  const { rows } = await pool.query<{ vm_ready_at: Date }>(
    `UPDATE builds.build SET vm_ready_at = coalesce(vm_ready_at, now())
      WHERE id = $1 AND vm_token_hash = $2 AND status IN ('assigned', 'building')
      RETURNING vm_ready_at`,
    [id, vmHash],
  )
  return rows[0]?.vm_ready_at ?? null
}

/** One sample of what a build takes of its machine. */
export async function addSample(
  pool: Pool,
  id: string,
  { cpuPercent, memoryMb }: { cpuPercent: number; memoryMb: number },
): Promise<void> {
  await pool.query({
    name: 'add_sample',
    text: `UPDATE builds.build SET cpu_samples = cpu_samples + 1,
      cpu_percent_sum = cpu_percent_sum + $2, memory_mb_peak = greatest(memory_mb_peak, $3)
      WHERE id = $1 AND status IN ('assigned', 'building')`,
    values: [id, cpuPercent, memoryMb],
  })
}

export interface BuildFilter {
  owner?: string | undefined
  statuses?: readonly BuildStatus[] | undefined
  platform?: string | undefined
  workerId?: string | undefined
  /** Id of the last one of the page before. */
  after?: string | undefined
  limit: number
}

/** Newest first. */
export async function listBuilds(pool: Pool, filter: BuildFilter): Promise<Build[]> {
  const { rows } = await pool.query<Build>(
    `SELECT ${columns} FROM builds.build b LEFT JOIN builds.worker w ON w.id = b.worker_id
      WHERE ($1::text IS NULL OR b.owner = $1)
        AND ($2::text[] IS NULL OR b.status = ANY ($2))
        AND ($3::text IS NULL OR b.platform = $3)
        AND ($4::text IS NULL OR b.worker_id = $4)
        AND ($5::text IS NULL OR (b.submitted_at, b.id) <
          (SELECT x.submitted_at, x.id FROM builds.build x WHERE x.id = $5))
      ORDER BY b.submitted_at DESC, b.id DESC LIMIT $6`,
    [
      filter.owner ?? null,
      filter.statuses ?? null,
      filter.platform ?? null,
      filter.workerId ?? null,
      filter.after ?? null,
      filter.limit,
    ],
  )
  return rows
}

export async function countBuilds(pool: Pool, owner: string | undefined): Promise<BuildCounts> {
  const { rows } = await pool.query<{ status: BuildStatus; count: number }>(
    `SELECT status, count(*)::integer AS count FROM builds.build
      WHERE $1::text IS NULL OR owner = $1 GROUP BY status`,
    [owner ?? null],
  )
  const counts: BuildCounts = {
    total: 0,
    pending: 0,
    assigned: 0,
    building: 0,
    completed: 0,
    failed: 0,
    cancelled: 0,
    dead: 0,
  }
  for (const { status, count } of rows) {
    counts[status] = count
    counts.total += count
  }
  return counts
}

/** How builds ended, by hour of their end, the newest hour first; hours without an end are left out. */
export async function listThroughput(pool: Pool, hours: number): Promise<BuildHour[]> {
  const { rows } = await pool.query<BuildHour>(
    `SELECT date_trunc('hour', finished_at, 'UTC') AS from_at,
        count(*) FILTER (WHERE status = 'completed')::integer AS completed,
        count(*) FILTER (WHERE status = 'failed')::integer AS failed,
        count(*) FILTER (WHERE status = 'cancelled')::integer AS cancelled,
        count(*) FILTER (WHERE status = 'dead')::integer AS dead,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM assigned_at - submitted_at))
          ::float8 * 1000 AS waited_ms,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - assigned_at))
          ::float8 * 1000 AS took_ms
      FROM builds.build WHERE finished_at > now() - make_interval(hours => $1)
      GROUP BY 1 ORDER BY 1 DESC`,
    [hours],
  )
  return rows
}

export interface BuildHour {
  from_at: Date
  completed: number
  failed: number
  cancelled: number
  dead: number
  /** Medians, in milliseconds; of those that were assigned. */
  waited_ms: number | null
  took_ms: number | null
}
