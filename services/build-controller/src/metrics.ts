import { setTimeout as wait } from 'node:timers/promises'
import type { BuildCounts, BuildWorkerCounts } from '@corroport/contracts'
import type { Pool } from 'pg'
import { Gauge, Histogram, type Registry } from 'prom-client'
import { countBuilds } from './store/builds.ts'
import { countWorkers } from './store/workers.ts'

export interface Metrics extends AsyncDisposable {
  requests: Histogram<'route' | 'method' | 'status'>
  claimed(outcome: string, milliseconds: number): void
  /** The last claims of this controller, up to 1,000; null before the first. */
  lastClaims(): { n: number; p50: number; p99: number } | null
  /** Of the last look; 0 before the first. */
  pendingBuilds(): number
  /** Of the last look; undefined before the first, and while the database is away. */
  counts(): { builds: BuildCounts; workers: BuildWorkerCounts } | undefined
}

const lookEveryMs = 2000
const keptClaims = 1000

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
    name: 'corro_builds',
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
  let counts: { builds: BuildCounts; workers: BuildWorkerCounts } | undefined
  const last = new Float64Array(keptClaims)
  let claimCount = 0

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
        counts = undefined
        builds.reset()
        workers.reset()
      }
      await wait(lookEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()

  return {
    requests,
    claimed(outcome, milliseconds) {
      claims.observe({ outcome }, milliseconds / 1000)
      last[claimCount % keptClaims] = milliseconds
      claimCount += 1
    },
    lastClaims() {
      const n = Math.min(claimCount, keptClaims)
      if (n === 0) return null
      const sorted = last.slice(0, n).toSorted()
      const rank = (quantile: number): number => sorted[Math.ceil(quantile * n) - 1] ?? 0
      return { n, p50: rank(0.5), p99: rank(0.99) }
    },
    pendingBuilds: () => counts?.builds.pending ?? 0,
    counts: () => counts,
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await looking
    },
  }
}
