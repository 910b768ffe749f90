import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import type { Bus } from '@corroport/bus'
import { nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { type Health, version } from '@corroport/service'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Config } from './config.ts'
import { openStorage } from './files/storage.ts'
import { createAccess } from './http/access.ts'
import { createApp } from './http/app.ts'
import { createDoors } from './http/doors.ts'
import { startLeases } from './leases.ts'
import { createLiveLogs } from './live-logs.ts'
import { startMetrics } from './metrics.ts'
import { createNewBuilds } from './new-builds.ts'
import { startRetention } from './retention.ts'
import { openDatabase } from './store/database.ts'
import { findProblem } from './store/migrate.ts'
import { startTelling } from './tell-events.ts'
import { startVoice } from './voice.ts'
import { openWaitingRoom } from './waiting-room.ts'

export { answers, says } from './voice.ts'

export interface BuildControllerDeps {
  /** Undefined: nobody is told, and nobody asks. */
  bus: Bus | undefined
  log: Logger
  health: Health
  registry: Registry
}

const lookEveryMs = 2000
const leastFreeBytes = 1024 * 1024 * 1024
const staleAfterMs = 30_000

/** Resolves when it listens; it is ready when it has its database. */
export async function startBuildController(
  config: Config,
  { bus, log, health, registry }: BuildControllerDeps,
): Promise<AsyncDisposable & { port: number }> {
  // Before anything is waited for: health is asked for meanwhile.
  let isListening = false
  health.depend('api', () => ({ ok: isListening }))
  await using starting = new AsyncDisposableStack()
  const stopping = new AbortController()
  const storage = await openStorage(config.storageRoot)
  const { pool, db } = starting.use(
    openDatabase({ url: config.databaseUrl, log, name: 'build-controller', connections: 12 }),
  )
  const waitingRoom = starting.use(openWaitingRoom({ pool, log }))
  const leases = starting.use(startLeases({ ...config, pool, log, waitingRoom }))
  const metrics = starting.use(startMetrics(registry, pool))
  starting.use(startRetention({ pool, storage, log, retentionDays: config.retentionDays }))

  let schema = 'not looked at yet'
  let free = Number.POSITIVE_INFINITY
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      try {
        free = await storage.freeBytes()
        schema = (await findProblem(db)) ?? 'ok'
      } catch (error) {
        schema = Error.isError(error) ? error.message : String(error)
      }
      await wait(lookEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()
  starting.defer(async () => {
    stopping.abort()
    await looking
  })
  health.depend('postgres', () => ({ ok: schema === 'ok', detail: schema }))
  health.depend('leases', () => {
    const { lookedAt } = leases
    const isFresh = lookedAt !== undefined && performance.now() - lookedAt < staleAfterMs
    return isFresh ? { ok: true } : { ok: false, detail: 'not looked at for 30 s' }
  })
  health.depend('storage', () =>
    free > leastFreeBytes
      ? { ok: true }
      : { ok: false, detail: `${free} bytes are free: make room on the volume of STORAGE_ROOT` },
  )

  const host = hostname()
    .replaceAll(/[^a-zA-Z0-9_-]/g, '-')
    .slice(0, 50)
  const controllerId = `${host}_${config.port}`
  const access = createAccess({ ...config, pool })
  const liveLogs = createLiveLogs()
  const { maxPending } = config
  const newBuilds = createNewBuilds({ pool, storage, waitingRoom, metrics, maxPending })
  const app = createApp({
    config,
    pool,
    storage,
    access,
    may: createDoors(access, config.acceptUnenrolled),
    waitingRoom,
    leases,
    liveLogs,
    metrics,
    newBuilds,
    health,
    controllerId,
    log,
    stopping: stopping.signal,
  })
  if (config.acceptUnenrolled) {
    log.warn(
      { advice: 'set WORKER_ENROLMENT_TOKEN and leave ACCEPT_UNENROLLED_WORKERS out' },
      'whoever reaches this may register as a worker',
    )
  }
  await app.listen({ host: config.host, port: config.port })
  isListening = true
  const address = app.server.address()
  const port = address !== null && typeof address === 'object' ? address.port : config.port
  starting.defer(async () => {
    // Polls that wait are answered, then whatever else runs.
    stopping.abort()
    await app.close()
  })
  log.info({ host: config.host, port }, 'listening')
  if (bus) {
    const startedAt = toTimestamp(nowMicroseconds())
    starting.use(startTelling({ pool, bus, log }))
    starting.use(
      startVoice({
        bus,
        pool,
        status: () => ({
          controllerId,
          version,
          startedAt,
          isReady: health.ready().status === 'ok',
          waitingPolls: waitingRoom.waiting,
          builds: metrics.counts()?.builds ?? null,
          workers: metrics.counts()?.workers ?? null,
          claimMs: metrics.lastClaims(),
        }),
        retry: (original) => newBuilds.retry(original),
        wakeLog: (buildId) => liveLogs.wake(buildId),
      }),
    )
  }
  return Object.assign(starting.move(), { port })
}
