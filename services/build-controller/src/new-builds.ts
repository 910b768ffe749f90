import type { Pool } from 'pg'
import type { Storage } from './files/storage.ts'
import type { Metrics } from './metrics.ts'
import { Refusal } from './refusal.ts'
import { type Build, insertBuild, type NewBuild } from './store/builds.ts'
import { isUncertain } from './store/database.ts'
import { createId, createToken, hashOf } from './tokens.ts'
import type { WaitingRoom } from './waiting-room.ts'

/** What becomes a row of the queue. */
export interface NewBuilds {
  /** Throws 503 where as many wait as may. */
  refuseIfFull(): void
  /** Its files are durable by now. Undefined where another build has its key of idempotency. */
  insert(build: NewBuild): Promise<{ submitted_at: Date } | undefined>
  /** Another build of the same source and certificates. */
  retry(original: Build): Promise<{ id: string; token: string; submittedAt: Date }>
}

export function createNewBuilds(deps: {
  pool: Pool
  storage: Storage
  waitingRoom: WaitingRoom
  metrics: Metrics
  maxPending: number
}): NewBuilds {
  const { pool, storage, waitingRoom, metrics, maxPending } = deps

  const refuseIfFull = (): void => {
    if (metrics.pendingBuilds() < maxPending) return
    throw new Refusal(503, `${maxPending} builds wait already: try again later`)
  }

  // A build without a row has no files either. Where nobody knows whether there is one they stay:
  // files of nobody are removed an hour later.
  const insert = async (build: NewBuild) => {
    try {
      const inserted = await insertBuild(pool, build)
      if (inserted) waitingRoom.announce(build.platform)
      else await storage.removeAll(build.id)
      return inserted
    } catch (error) {
      if (!isUncertain(error)) await storage.removeAll(build.id)
      throw error
    }
  }

  const share = async (original: Build, id: string, name: string): Promise<boolean> => {
    try {
      await storage.share({ buildId: original.id, name }, { buildId: id, name })
      return true
    } catch (error) {
      if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return false
      throw error
    }
  }

  return {
    refuseIfFull,
    insert,
    async retry(original) {
      refuseIfFull()
      const token = createToken()
      const id = createId()
      const { source_name: source, certs_name: certs } = original
      const hasSource = original.files_removed_at === null && (await share(original, id, source))
      const hasCerts = certs === null || (await share(original, id, certs))
      if (!hasSource || !hasCerts) {
        await storage.removeAll(id)
        const what = hasSource ? 'certificates' : 'build source'
        throw new Refusal(400, `Original ${what} no longer available. Please submit a new build.`)
      }
      const inserted = await insert({
        id,
        owner: original.owner,
        platform: original.platform,
        labels: original.labels,
        priority: original.priority,
        tokenHash: hashOf(token),
        idempotencyKey: null,
        retryOf: original.id,
        source: {
          name: source,
          bytes: Number(original.source_bytes),
          sha256: original.source_sha256,
        },
        certs: certs === null ? null : { name: certs, bytes: Number(original.certs_bytes) },
      })
      if (!inserted) throw new Error('unreachable: a build without a key of idempotency is new')
      return { id, token, submittedAt: inserted.submitted_at }
    },
  }
}
