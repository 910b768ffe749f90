import { setTimeout as wait } from 'node:timers/promises'
import type { Pool } from 'pg'
import { Gauge, Histogram, type Registry } from 'prom-client'
import { type BuildCounts, countBuilds } from './store/builds.ts'
import { countWorkers, type WorkerCounts } from './store/workers.ts'

export interface Metrics extends AsyncDisposable {
  requests: Histogram<'route' | 'method' | 'status'>
  claims: Histogram<'outcome'>
  /** Of the last look; 0 before the first. */
  pendingBuilds(): number
  /** Of the last look; undefined before the first. */
  counts(): { builds: BuildCounts; workers: WorkerCounts } | undefined
}

const lookEveryMs = 5000

export function startMetrics(registry: Registry, pool: Pool): Metrics {
  const registers = [registry]
  const requests = new Histogram({
    name: 'corro_builds_request_seconds',
    help: 'Requests of submitters, workers and their machines',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 60],
    registers,
  })
  const claims = new Histogram({
    name: 'corro_builds_claim_seconds',
    help: 'The transaction that looks for a build for a worker',
    labelNames: ['outcome'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers,
  })
  const builds = new Gauge({
    name: 'corro_builds_total_by_status',
    help: 'Builds that are kept, by status',
    labelNames: ['status'],
    registers,
  })
  const workers = new Gauge({
    name: 'corro_build_workers',
    help: 'Workers, by what they do',
    labelNames: ['status'],
    registers,
  })
  const stopping = new AbortController()
  let counts: { builds: BuildCounts; workers: WorkerCounts } | undefined

  const looking = (async () => {
    while (!stopping.signal.aborted) {
      try {
        const found = await Promise.all([countBuilds(pool, undefined), countWorkers(pool)])
        counts = { builds: found[0], workers: found[1] }
        for (const [status, count] of Object.entries(counts.builds)) {
          if (status !== 'total') builds.set({ status }, count)
        }
        for (const [status, count] of Object.entries(counts.workers)) {
          if (status !== 'total') workers.set({ status }, count)
        }
      } catch {
        // Readiness says that the database is away.
        builds.reset()
        workers.reset()
      }
      await wait(lookEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()

  return {
    requests,
    claims,
    pendingBuilds: () => counts?.builds.pending ?? 0,
    counts: () => counts,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await looking
    },
  }
}
