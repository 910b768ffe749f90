import type { BuildCounts } from '@corroport/contracts'
import type { App, AppDeps } from './app.ts'

const cachedMs = 10_000

/** What everybody may see: that it is here, and how much it does. */
export function systemRoutes(app: App, { pool, metrics, health, may }: AppDeps): void {
  for (const path of ['/health', '/api/health']) {
    app.get(path, may.anyone, async (_request, reply) => {
      const { status, checks } = health.ready()
      const ok = (name: string): string =>
        checks.every((check) => check.name !== name || check.ok) ? 'ok' : 'error'
      const builds = metrics.counts()?.builds
      if (status !== 'ok') reply.code(503)
      return {
        status: status === 'ok' ? 'ok' : 'unhealthy',
        database: ok('postgres'),
        queue_manager: ok('postgres'),
        heartbeat_monitor: ok('leases'),
        queue: { pending: builds?.pending ?? 0, active: active(builds) },
        storage: { status: ok('storage') },
        timestamp: new Date().toISOString(),
      }
    })
  }

  let cached: { at: number; stats: Promise<Record<string, number>> } | undefined
  for (const path of ['/api/stats', '/public/stats']) {
    app.get(path, may.anyone, async () => {
      const now = performance.now()
      if (!cached || now - cached.at > cachedMs) {
        const stats = readStats()
        cached = { at: now, stats }
        // A failure is not kept.
        stats.catch(() => {
          cached = undefined
        })
      }
      return cached.stats
    })
  }

  async function readStats(): Promise<Record<string, number>> {
    const { rows } = await pool.query<Record<string, number>>(
      `SELECT
        (SELECT count(*)::integer FROM builds.worker w
          WHERE w.state <> 'left' AND (w.seen_at > now() - interval '5 minutes' OR EXISTS (
            SELECT FROM builds.build b
            WHERE b.worker_id = w.id AND b.status IN ('assigned', 'building')))) AS "nodesOnline",
        count(*) FILTER (WHERE status = 'pending')::integer AS "buildsQueued",
        count(*) FILTER (WHERE status IN ('assigned', 'building'))::integer AS "activeBuilds",
        count(*) FILTER (WHERE status = 'completed'
          AND finished_at >= date_trunc('day', now(), 'UTC'))::integer AS "buildsToday",
        count(*)::integer AS "totalBuilds",
        coalesce(round(sum(extract(epoch FROM finished_at - started_at)) * 1000), 0)::float8
          AS "totalBuildTimeMs",
        coalesce(round(sum(cpu_percent_sum / cpu_samples / 100
          * extract(epoch FROM finished_at - started_at) * 1000) FILTER (WHERE cpu_samples > 0)), 0)
          ::float8 AS "totalCpuCycles"
      FROM builds.build`,
    )
    return rows[0] ?? {}
  }
}

function active(counts: BuildCounts | undefined): number {
  return (counts?.assigned ?? 0) + (counts?.building ?? 0)
}
