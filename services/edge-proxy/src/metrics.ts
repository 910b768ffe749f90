import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { type Counters, connectBuckets, type PerSlot, type Total } from './serve/counters.ts'

/** What the metrics are read from when they are asked for. */
export interface MetricSources {
  counters: readonly Counters[]
  backends: () => Iterable<MeasuredBackend>
  openConnections: () => number
  affinityEntries: () => number
  table: () => { ageSeconds: number | null; isLive: boolean }
  /** Rows of the table, by what they are to this proxy. */
  rows: () => Readonly<Record<RowState, number>>
}

export type RowState = 'routing' | 'refused' | 'set-aside'

export interface MeasuredBackend {
  id: string
  region: string
  slot: number
  connections: number
  /** What the slot had counted for those that had it before. */
  base: Counted
}

export type Counted = Readonly<Record<PerSlot, number>>

const routedBy = {
  affinity: 'stuck',
  country: 'country',
  region: 'region',
  'own-region': 'ownRegion',
  anywhere: 'anywhere',
} as const satisfies Record<string, Total>

/** Why connections were closed unserved, and where that is counted. */
export const refusedFor = {
  'proxy-full': 'refusedFull',
  'client-full': 'refusedClientFull',
  'bad-proxy-header': 'refusedHeader',
  'unknown-server-name': 'refusedServerName',
  'no-handshake': 'refusedHandshake',
  'no-backend': 'refusedNoBackend',
  unreachable: 'refusedUnreachable',
  'out-of-descriptors': 'refusedHere',
} as const satisfies Record<string, Total>

const brokenBy = {
  client: 'brokenByClient',
  backend: 'brokenByBackend',
  idle: 'idle',
  stop: 'cutOff',
} as const satisfies Record<string, Total>

/** With the names that edgeProxy documented, where it had any. */
export function createEdgeMetrics(registry: Registry, sources: MetricSources): void {
  const sum = (total: Total): number =>
    sources.counters.reduce((all, each) => all + each.total(total), 0)
  const plain = (name: string, help: string, total: Total): void => {
    registry.registerMetric(
      new Counter({
        name,
        help,
        registers: [],
        collect() {
          this.reset()
          this.inc(sum(total))
        },
      }),
    )
  }
  const labelled = (
    name: string,
    help: string,
    label: string,
    values: Readonly<Record<string, Total>>,
  ): void => {
    registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames: [label],
        registers: [],
        collect() {
          this.reset()
          for (const [value, total] of Object.entries(values))
            this.inc({ [label]: value }, sum(total))
        },
      }),
    )
  }
  const gauge = (name: string, help: string, value: () => number): void => {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(value())
        },
      }),
    )
  }
  const ofBackends = (name: string, help: string, field: PerSlot): void => {
    registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames: ['region', 'backend'],
        registers: [],
        collect() {
          this.reset()
          for (const { id, region, slot, base } of sources.backends()) {
            const all = sources.counters.reduce((sofar, each) => sofar + each.of(slot, field), 0)
            this.inc({ region, backend: id }, Math.max(0, all - base[field]))
          }
        },
      }),
    )
  }

  plain('edgeproxy_connections_total', 'Connections that were accepted', 'accepted')
  gauge('edgeproxy_connections_active', 'Connections that are open', sources.openConnections)
  labelled(
    'edgeproxy_routed_total',
    'Connections that were given a backend, by what decided',
    'by',
    routedBy,
  )
  labelled('edgeproxy_refused_total', 'Connections that were closed unserved', 'reason', refusedFor)
  labelled('edgeproxy_broken_total', 'Connections that ended by a reset', 'by', brokenBy)
  plain('edgeproxy_retries_total', 'Attempts at another backend, after one failed', 'retried')
  plain(
    'edgeproxy_accept_errors_total',
    'Connections that could not be accepted for want of descriptors',
    'acceptErrors',
  )
  gauge(
    'edgeproxy_affinity_entries',
    'Clients that would be given the same backend again',
    sources.affinityEntries,
  )
  gauge(
    'edgeproxy_table_age_seconds',
    'Since the table was in step with its source; NaN: never yet',
    () => sources.table().ageSeconds ?? Number.NaN,
  )
  gauge('edgeproxy_table_live', '1: what is written is heard at once', () =>
    sources.table().isLive ? 1 : 0,
  )
  registry.registerMetric(
    new Gauge({
      name: 'edgeproxy_backends',
      help: 'Rows of the table, by what they are to this proxy',
      labelNames: ['state'],
      registers: [],
      collect() {
        for (const [state, count] of Object.entries(sources.rows())) this.set({ state }, count)
      },
    }),
  )
  const active = new Gauge({
    name: 'edgeproxy_backend_connections_active',
    help: 'Connections to a backend that are open',
    labelNames: ['region', 'backend'],
    registers: [],
    collect() {
      active.reset()
      for (const { id, region, connections } of sources.backends()) {
        active.set({ region, backend: id }, connections)
      }
    },
  })
  registry.registerMetric(active)
  const rtt = new Gauge({
    name: 'edgeproxy_backend_rtt_ms',
    help: 'How long the last connection to a backend took, by one of the threads',
    labelNames: ['region', 'backend'],
    registers: [],
    collect() {
      rtt.reset()
      for (const { id, region, slot } of sources.backends()) {
        const last = Math.max(...sources.counters.map((each) => each.of(slot, 'connectMs')))
        if (last > 0) rtt.set({ region, backend: id }, last)
      }
    },
  })
  registry.registerMetric(rtt)
  ofBackends(
    'edgeproxy_backend_connections_total',
    'Connections that a backend accepted',
    'connections',
  )
  ofBackends(
    'edgeproxy_backend_errors_total',
    'Attempts to connect to a backend that failed',
    'errors',
  )
  ofBackends('edgeproxy_bytes_sent_total', 'Bytes that were sent to a backend', 'bytesSent')
  ofBackends(
    'edgeproxy_bytes_received_total',
    'Bytes that were received from a backend',
    'bytesReceived',
  )
  registry.registerMetric(connectTimes(sources))
}

/** Added up by the threads, so that nothing observes it here. */
function connectTimes({ counters }: MetricSources): Histogram<'le'> {
  const name = 'edgeproxy_backend_rtt_seconds'
  const about = {
    name,
    help: 'How long backends took to accept',
    buckets: [...connectBuckets],
    registers: [],
  }
  const described = new Histogram<'le'>(about)
  const total = (field: Total): number => counters.reduce((all, each) => all + each.total(field), 0)
  const get: Histogram['get'] = async () => {
    let below = 0
    const buckets = connectBuckets.map((le, index) => {
      below += counters.reduce((all, each) => all + (each.buckets[index] ?? 0), 0)
      return { metricName: `${name}_bucket`, labels: { le }, value: below }
    })
    const count = total('connects')
    return {
      ...(await described.get()),
      values: [
        ...buckets,
        { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count },
        { metricName: `${name}_sum`, labels: {}, value: total('connectSeconds') },
        { metricName: `${name}_count`, labels: {}, value: count },
      ],
    }
  }
  // The text of a registry is made from a method of its own.
  return Object.assign(new Histogram<'le'>(about), { get, getForPromString: get })
}

/** What the threads have counted of a slot so far. */
export function countedSoFar(counters: readonly Counters[], slot: number): Counted {
  const sum = (field: PerSlot): number =>
    counters.reduce((all, each) => all + each.of(slot, field), 0)
  return {
    connections: sum('connections'),
    errors: sum('errors'),
    bytesSent: sum('bytesSent'),
    bytesReceived: sum('bytesReceived'),
    connectMs: 0,
  }
}
