import {
  type EdgeAnnounced,
  type EdgeTable,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import { version } from '@corroport/service'
import type { Config } from './config.ts'
import { refusedFor } from './metrics.ts'
import type { Routing } from './routing.ts'
import type { Listener } from './serve/worker-messages.ts'
import type { Workers } from './serve/workers.ts'
import type { SourceStatus } from './table/source.ts'

export interface StatusDeps {
  config: Pick<Config, 'region' | 'threads'>
  workers: Workers
  /** As they are listened on, when they are. */
  listeners: () => readonly Listener[]
  routing: Routing
  source: () => SourceStatus
}

/** What a point of presence says of itself. */
export function createStatus(
  deps: StatusDeps,
): () => Omit<EdgeAnnounced, 'nodeId' | 'announcedAt'> {
  const { config, workers, routing, source } = deps
  const startedAt = toTimestamp(nowMicroseconds())
  return () => {
    const { routing: taking, refused, 'set-aside': setAside } = routing.count()
    const sum = (total: Parameters<(typeof workers.counters)[number]['total']>[0]): number =>
      workers.counters.reduce((all, each) => all + each.total(total), 0)
    return {
      region: config.region ?? null,
      version,
      startedAt,
      listeners: deps.listeners().map(({ app, host, port, tls }) => ({
        app: app ?? null,
        host,
        port,
        tls,
      })),
      threads: config.threads,
      connections: workers.clients.total,
      accepted: sum('accepted'),
      refused: Object.values(refusedFor).reduce((all, total) => all + sum(total), 0),
      backends: { routing: taking, refused, setAside, leftOut: routing.leftOut },
      table: tableStatus(source()),
    }
  }
}

export function tableStatus(status: SourceStatus): EdgeTable {
  const { state, isLive, reason = null, ageSeconds, auditDiffering } = status
  return { state, isLive, reason: reason?.slice(0, mostReason) ?? null, ageSeconds, auditDiffering }
}

const mostReason = 300
