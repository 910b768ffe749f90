import type { Bus } from '@corroport/bus'
import {
  type ExperimentFigures,
  fromTimestamp,
  type MessageEvent,
  type SystemMetric,
  type TransportFigures,
  toTimestamp,
} from '@corroport/contracts'
import { storedEvents } from './ask-analytics.ts'
import { type Cell, toCsv } from './csv.ts'
import {
  durationOf,
  type Found,
  mainFigures,
  percent,
  toMessageEvent,
  toSystemMetric,
  toTopology,
  transportNameOf,
} from './original-shapes.ts'

/** JSON in pieces: the raw events pass through, however many they are. */
export async function* exportText(
  bus: Bus,
  { experiment }: Found,
  wanted: {
    head: ReturnType<typeof toExport> & { metadata: object }
    hasEvents: boolean
    hasMetrics: boolean
  },
): AsyncGenerator<string> {
  const { performance, ...head } = wanted.head
  const flows = createFlows()
  const metrics: SystemMetric[] = []
  yield `${JSON.stringify(head).slice(0, -1)},"raw_events":[`
  let separator = ''
  for await (const events of storedEvents(bus, experiment.id)) {
    const messages = events.flatMap((event) => toMessageEvent(event, experiment) ?? [])
    for (const message of messages) flows.add(message)
    if (wanted.hasMetrics) {
      metrics.push(...events.flatMap((event) => toSystemMetric(event, experiment.id) ?? []))
    }
    if (!wanted.hasEvents || messages.length === 0) continue
    yield separator + messages.map((message: MessageEvent) => JSON.stringify(message)).join(',')
    separator = ','
  }
  const rest = {
    performance: flows.addTo(performance),
    // The original has another name for the time here.
    system_metrics: metrics.map((metric) => ({ ...metric, timestamp: metric.inserted_at })),
  }
  yield `],${JSON.stringify(rest).slice(1)}`
}

/** Everything of an export but its raw events and samples. */
export function toExport({ experiment, progress }: Found, figures: ExperimentFigures) {
  const { id, plan } = experiment
  const topology = toTopology(experiment)
  const regions = [...new Set(topology.flatMap(({ region }) => region ?? []))]
  const configuration = {
    transaction_size_bytes: plan.payload_bytes,
    transaction_frequency_ms: plan.interval_ms,
  }
  const counts = {
    send_count: progress.sent,
    ack_count: progress.acks,
    success_rate: percent(progress.acks, progress.expected_acks),
  }
  const main = mainFigures(figures)
  return {
    experiment: {
      id,
      started_at: experiment.started_at,
      ended_at: experiment.finished_at,
      duration_seconds: durationOf(experiment),
      message_count: progress.sent + progress.acks,
      ...counts,
      configuration,
      transport: transportNameOf(experiment),
      interval_ms: plan.interval_ms,
      planned_count: plan.count,
      status: experiment.status,
      reason: experiment.reason,
      plan,
    },
    topology: {
      node_count: topology.length,
      nodes: topology.map(({ inserted_at: snapshot_time, ...node }) => ({
        ...node,
        snapshot_time,
      })),
      regions,
      region_count: regions.length,
    },
    performance: {
      summary: { total_messages: progress.sent, ...counts },
      transport: main?.transport ?? null,
      ...(main ? toPerformance(main) : {}),
      by_transport: Object.fromEntries(
        figures.transports.map((one) => [one.transport, toPerformance(one)]),
      ),
    },
    figures,
  }
}

function toPerformance({ round_trip: all, receivers, histogram }: TransportFigures) {
  const buckets = histogram.linear.map(({ from_ms: min, to_ms: max, count }) => ({
    min,
    max,
    label: `${min}-${max}ms`,
    count,
  }))
  return {
    latency: {
      min_ms: all.min_ms,
      max_ms: all.max_ms,
      avg_ms: all.mean_ms,
      median_ms: all.p50_ms,
      p95_ms: all.p95_ms,
      p99_ms: all.p99_ms,
      sample_count: all.n,
    },
    per_node_performance: receivers.map(({ node_id, acks, round_trip }) => ({
      node_id,
      ack_count: acks,
      min_latency_ms: round_trip.min_ms,
      max_latency_ms: round_trip.max_ms,
      avg_latency_ms: round_trip.mean_ms,
      p50_latency_ms: round_trip.p50_ms,
      p95_latency_ms: round_trip.p95_ms,
      p99_latency_ms: round_trip.p99_ms,
    })),
    latency_histogram: {
      buckets,
      percentiles: { p50: all.p50_ms, p95: all.p95_ms, p99: all.p99_ms },
      total_count: all.n,
      max_count: buckets.reduce((most, { count }) => Math.max(most, count), 0),
    },
  }
}

/** The original's sections, one below the other. */
export function toExportCsv(found: Found, figures: ExperimentFigures): string {
  const { experiment, topology, performance } = toExport(found, figures)
  const rows: Cell[][] = [
    ['section', 'experiment'],
    ['id', experiment.id],
    ['transport', experiment.transport],
    ['status', experiment.status],
    ['reason', experiment.reason],
    ['started_at', experiment.started_at],
    ['ended_at', experiment.ended_at],
    ['duration_seconds', experiment.duration_seconds],
    ['interval_ms', experiment.interval_ms],
    ['send_count', experiment.send_count],
    ['ack_count', experiment.ack_count],
    ['success_rate', experiment.success_rate],
    [],
    ['section', 'topology'],
    ['node_id', 'region', 'bootstrap_peers'],
    ...topology.nodes.map((node) => [node.node_id, node.region, node.bootstrap_peers.join(' ')]),
  ]
  for (const [transport, one] of Object.entries(performance.by_transport)) {
    rows.push([], ['section', 'performance', transport], ...Object.entries(one.latency))
    rows.push([], ['section', 'per_node', transport])
    const [first] = one.per_node_performance
    if (first) rows.push(Object.keys(first))
    rows.push(...one.per_node_performance.map((node) => Object.values(node)))
    rows.push([], ['section', 'histogram', transport], ['min_ms', 'max_ms', 'count'])
    rows.push(...one.latency_histogram.buckets.map(({ min, max, count }) => [min, max, count]))
  }
  return toCsv(rows)
}

const pointsOfNode = 1000

/** What of an export is gathered from its raw events as they pass by, in bounded memory. */
function createFlows() {
  const flows = new Map<string, ReturnType<typeof createFlow>>()
  const flowOf = (transport: string) => flows.getOrInsertComputed(transport, createFlow)
  return {
    add: (message: MessageEvent) => flowOf(message.transport).add(message),
    addTo({ transport, by_transport, ...rest }: ReturnType<typeof toExport>['performance']) {
      const each = Object.entries(by_transport).map(([name, one]) => [
        name,
        { ...one, ...flowOf(name).read() },
      ])
      return {
        ...rest,
        transport,
        ...(transport === null ? {} : flowOf(transport).read()),
        by_transport: Object.fromEntries(each),
      }
    },
  }
}

function createFlow() {
  const series = new Map<string, { send_time: string; rtt_ms: number }[]>()
  const origins = new Map<string, { sent: number; acks: number }>()
  const originOf = (nodeId: string) =>
    origins.getOrInsertComputed(nodeId, () => ({ sent: 0, acks: 0 }))
  return {
    add({
      event_type,
      originating_node,
      target_node,
      event_timestamp,
      round_trip_ms,
    }: MessageEvent) {
      if (event_type === 'sent') originOf(originating_node).sent += 1
      const arrivedAt = fromTimestamp(event_timestamp)
      if (target_node === null || round_trip_ms === null || arrivedAt === undefined) return
      originOf(originating_node).acks += 1
      const points = series.getOrInsertComputed(target_node, () => [])
      if (points.length >= pointsOfNode) return
      const send_time = toTimestamp(arrivedAt - round_trip_ms * 1000)
      points.push({ send_time, rtt_ms: round_trip_ms })
    },
    read: () => ({
      rtt_time_series: [...series].map(([node_id, data_points]) => ({ node_id, data_points })),
      message_flows: [...origins].map(([originating_node, { sent, acks }]) => ({
        originating_node,
        messages_sent: sent,
        total_acks_received: acks,
        avg_acks_per_message: sent === 0 ? null : acks / sent,
      })),
    }),
  }
}
