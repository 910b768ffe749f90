import { setTimeout as wait } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import type { Storage } from './files/storage.ts'

export interface RetentionOptions {
  pool: Pool
  storage: Storage
  log: Logger
  retentionDays: number
}

const everyMs = 60_000
const batch = 200
// A build that failed may be tried again for so long with the certificates that it came with.
const certsHours = 24
const workerDays = 14

/** Removes what is not needed any more: files first, so that no row names a file that is kept for ever. */
export function startRetention(options: RetentionOptions): AsyncDisposable {
  const { log } = options
  const stopping = new AbortController()
  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await sweep(options)
      } catch (err) {
        log.warn({ err }, 'old builds not removed')
      }
      await wait(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}

/** One round of it. Several controllers at once do the same, which does no harm. */
export async function sweep(options: RetentionOptions): Promise<void> {
  await removeCertificates(options)
  await removeBuilds(options)
  await removeUnknownFiles(options)
  await options.pool.query(
    // Those of a build go with it.
    `DELETE FROM builds.event WHERE build_id IS NULL AND at < now() - make_interval(days => $1)`,
    [options.retentionDays],
  )
  await options.pool.query(
    `DELETE FROM builds.diagnosis d WHERE NOT EXISTS (
      SELECT FROM builds.worker w WHERE w.id = d.worker_id)`,
  )
  await options.pool.query(
    `DELETE FROM builds.worker w WHERE seen_at < now() - interval '${workerDays} days'
      AND NOT EXISTS (SELECT FROM builds.build b
        WHERE b.worker_id = w.id AND b.status IN ('assigned', 'building'))`,
  )
}

/** At once where the build has its result, a day later where it may be tried again. */
async function removeCertificates({ pool, storage }: RetentionOptions): Promise<void> {
  const { rows } = await pool.query<{ id: string; certs_name: string }>(
    `SELECT id, certs_name FROM builds.build WHERE certs_name IS NOT NULL
      AND finished_at IS NOT NULL
      AND (status = 'completed' OR finished_at < now() - interval '${certsHours} hours')
      LIMIT ${batch}`,
  )
  for (const { id, certs_name: name } of rows) {
    await storage.remove(id, name)
    await pool.query('UPDATE builds.build SET certs_name = NULL WHERE id = $1', [id])
  }
}

async function removeBuilds({
  pool,
  storage,
  retentionDays,
  log,
}: RetentionOptions): Promise<void> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM builds.build WHERE finished_at < now() - make_interval(days => $1)
      ORDER BY finished_at LIMIT ${batch}`,
    [retentionDays],
  )
  for (const { id } of rows) {
    await storage.removeAll(id)
    await pool.query('DELETE FROM builds.event WHERE build_id = $1', [id])
    await pool.query('DELETE FROM builds.build WHERE id = $1', [id])
  }
  if (rows.length > 0) log.info({ builds: rows.length }, 'old builds removed')
}

/** What a process left that died between a file and its row. */
async function removeUnknownFiles({ pool, storage, log }: RetentionOptions): Promise<void> {
  let removed = await storage.sweepIncoming()
  const ids = await storage.list()
  for (let at = 0; at < ids.length; at += batch) {
    const some = ids.slice(at, at + batch)
    const { rows } = await pool.query<{ id: string; names: string[] }>(
      `SELECT id, ARRAY[source_name, certs_name, result_name] AS names FROM builds.build
        WHERE id = ANY ($1)`,
      [some],
    )
    const known = new Map(rows.map(({ id, names }) => [id, new Set(names)]))
    for (const id of some) removed += await storage.removeOld(id, known.get(id) ?? new Set())
  }
  if (removed > 0) log.info({ files: removed }, 'files of nobody removed')
}
