import { type Bus, RefusalError } from '@corroport/bus'
import {
  type BuildControllerAnnounced,
  type BuildSummary,
  buildAudited,
  buildCommands,
  buildControllerAnnounced,
  buildLogQueried,
  buildQueried,
  buildRecords,
  buildSteered,
  buildsQueried,
  buildThroughputQueried,
  buildWorkerSteered,
  buildWorkersQueried,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import type { Pool } from 'pg'
import { Refusal } from './refusal.ts'
import { type Build, countBuilds, findBuild, listBuilds, listThroughput } from './store/builds.ts'
import { listEvents } from './store/events.ts'
import { readLog } from './store/logs.ts'
import { cancel } from './store/queue.ts'
import { countWorkers, listWorkers, setWorkerState } from './store/workers.ts'

export const says = [...buildRecords, buildAudited, buildControllerAnnounced] as const
export const answers = buildCommands

export interface VoiceDeps {
  bus: Bus
  pool: Pool
  status: () => Omit<BuildControllerAnnounced, 'announcedAt'>
  retry: (original: Build) => Promise<{ id: string }>
  /** Something new is to be read in the log of a build, or of its end. */
  wakeLog: (buildId: string) => void
}

const announceEveryMs = 1000
const maxLogBytes = 500_000
// Of several controllers one answers.
const sharedBy = 'build-controller'

/** What a build controller says and answers on NATS. Who may ask is NATS' business, and the gateway's. */
export function startVoice({ bus, pool, status, retry, wakeLog }: VoiceDeps): AsyncDisposable {
  const stack = new AsyncDisposableStack()
  const announcing = setInterval(() => {
    const said = status()
    const { controllerId } = said
    const announcedAt = toTimestamp(nowMicroseconds())
    bus.hint(buildControllerAnnounced, { controllerId }, { ...said, announcedAt })
  }, announceEveryMs)
  stack.defer(() => clearInterval(announcing))

  const known = async (id: string): Promise<Build> => {
    const build = await findBuild(pool, id)
    if (!build) throw new RefusalError('not-found', `there is no build ${id}`)
    return build
  }

  stack.use(
    bus.respond(
      buildsQueried,
      {},
      async ({ status: wanted, ...filter }) => {
        const [builds, counts] = await Promise.all([
          listBuilds(pool, { ...filter, statuses: wanted && [wanted] }),
          countBuilds(pool, undefined),
        ])
        return { builds: builds.map(toSummary), counts }
      },
      { sharedBy },
    ),
  )
  stack.use(
    bus.respond(
      buildQueried,
      {},
      async ({ id }) => {
        const build = await findBuild(pool, id)
        const events = build ? await listEvents(pool, id) : []
        return {
          build: build ? toSummary(build) : null,
          events: events.map(({ kind, at, worker_id, data: { reason } }) => ({
            kind,
            at: toTime(at),
            workerId: worker_id,
            reason: typeof reason === 'string' ? reason : null,
          })),
        }
      },
      { sharedBy },
    ),
  )
  stack.use(
    bus.respond(
      buildLogQueried,
      {},
      async ({ id, after, limit }) => {
        // Before the lines: those that come after the last look are of a build that has not ended.
        const build = await findBuild(pool, id)
        const found = build ? await readLog(pool, id, after, limit) : []
        let bytes = 0
        const lines = found
          .map(({ number, at, ...line }) => ({ ...line, number: Number(number), at: toTime(at) }))
          // At least one, so that whoever asks comes on.
          .filter(({ message }, index) => {
            bytes += Buffer.byteLength(message) + 100
            return index === 0 || bytes <= maxLogBytes
          })
        return { lines, status: build?.status ?? null }
      },
      { sharedBy },
    ),
  )
  stack.use(
    bus.respond(
      buildWorkersQueried,
      {},
      async ({ limit }) => {
        const [workers, counts] = await Promise.all([listWorkers(pool, limit), countWorkers(pool)])
        return {
          workers: workers.map((worker) => ({
            id: worker.id,
            name: worker.name,
            platforms: worker.platforms,
            labels: worker.labels,
            status: worker.status,
            buildId: worker.build_id,
            completed: worker.builds_completed,
            failed: worker.builds_failed,
            registeredAt: toTime(worker.registered_at),
            seenAt: toTime(worker.seen_at),
          })),
          counts,
        }
      },
      { sharedBy },
    ),
  )
  stack.use(
    bus.respond(
      buildThroughputQueried,
      {},
      async ({ hours }) => ({
        hours: (await listThroughput(pool, hours)).map(
          ({ from_at, waited_ms, took_ms, ...counts }) => ({
            from: toTime(from_at),
            ...counts,
            waitedP50Ms: waited_ms,
            tookP50Ms: took_ms,
          }),
        ),
      }),
      { sharedBy },
    ),
  )
  stack.use(
    bus.respond(
      buildSteered,
      {},
      async ({ id, to }) => {
        const build = await known(id)
        if (to === 'retry') {
          const made = await retry(build).catch(refused)
          return { id: made.id, status: 'pending' as const }
        }
        const { outcome, status: now } = await cancel(pool, id, 'Build cancelled by an operator')
        if (outcome === 'ended' || outcome === 'unknown' || now === null) {
          throw new RefusalError('conflict', `the build is ${now ?? 'gone'} already`)
        }
        wakeLog(id)
        return { id, status: now }
      },
      { sharedBy },
    ),
  )
  stack.use(
    bus.respond(
      buildWorkerSteered,
      {},
      async ({ id, to }) => {
        if (await setWorkerState(pool, id, to)) return { id }
        throw new RefusalError('not-found', `there is no worker ${id}`)
      },
      { sharedBy },
    ),
  )
  return stack
}

function refused(error: unknown): never {
  if (error instanceof Refusal) throw new RefusalError('conflict', error.message)
  throw error
}

function toTime(at: Date): string {
  return toTimestamp(at.getTime() * 1000)
}

function toSummary(build: Build): BuildSummary {
  const time = (at: Date | null): string | null => at && toTime(at)
  return {
    id: build.id,
    platform: build.platform,
    status: build.status,
    owner: build.owner,
    labels: build.labels,
    priority: build.priority,
    submittedAt: toTime(build.submitted_at),
    assignedAt: time(build.assigned_at),
    startedAt: time(build.started_at),
    finishedAt: time(build.finished_at),
    attempt: build.attempt,
    losses: build.losses,
    workerId: build.worker_id,
    workerName: build.worker_name,
    reason: build.reason,
    sourceBytes: Number(build.source_bytes),
    resultBytes: build.result_bytes === null ? null : Number(build.result_bytes),
    retryOf: build.retry_of,
    logLines: Number(build.log_lines),
  }
}
