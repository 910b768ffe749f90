import {
  ackReceived,
  type Experiment,
  type ExperimentFigures,
  type ExperimentProgress,
  type ExperimentRow,
  type MessageEvent,
  messageSent,
  nodeSampled,
  type StoredEvent,
  type SystemMetric,
  type TopologySnapshot,
  type TransportFigures,
} from '@corroport/contracts'
import { type Cell, toCsv } from './csv.ts'

// The shapes in which the first CorroPort told of experiments, with its fields and our figures.

export interface Found {
  experiment: Experiment
  progress: ExperimentProgress
}

const bytesPerMegabyte = 1024 * 1024

/** A send or an acknowledgement; undefined of what the original did not have. */
export function toMessageEvent(
  { kind, event }: StoredEvent,
  { id, environment }: Experiment,
): MessageEvent | undefined {
  if (kind === 'sent') {
    const sent = messageSent.parse(event)
    return {
      id: `sent.${sent.messageId}`,
      message_id: sent.messageId,
      experiment_id: id,
      originating_node: sent.nodeId,
      target_node: null,
      event_type: 'sent',
      event_timestamp: sent.sentAt,
      receipt_timestamp: null,
      region: sent.region,
      transaction_size_hint: sent.sizeBytes,
      transport: sent.transport,
      round_trip_ms: null,
      inserted_at: sent.sentAt,
    }
  }
  if (kind !== 'acked') return undefined
  const ack = ackReceived.parse(event)
  const receiver = environment?.nodes.find(({ node_id }) => node_id === ack.ackNodeId)
  return {
    id: `acked.${ack.ackNodeId}.${ack.messageId}`,
    message_id: ack.messageId,
    experiment_id: id,
    originating_node: ack.nodeId,
    target_node: ack.ackNodeId,
    event_type: 'acked',
    event_timestamp: ack.arrivedAt,
    receipt_timestamp: ack.receivedAt,
    region: receiver?.region ?? null,
    transaction_size_hint: null,
    transport: ack.transport,
    round_trip_ms: ack.roundTripMs,
    inserted_at: ack.arrivedAt,
  }
}

export function toSystemMetric(
  { kind, event }: StoredEvent,
  experimentId: string,
): SystemMetric | undefined {
  if (kind !== 'sample') return undefined
  const { nodeId, at, agent, services } = nodeSampled.parse(event)
  return {
    id: `${nodeId}.${at}`,
    experiment_id: experimentId,
    node_id: nodeId,
    cpu_percent: services.cpuPercent,
    memory_mb: services.residentBytes === null ? null : services.residentBytes / bytesPerMegabyte,
    erlang_processes: null,
    corrosion_connections: null,
    message_queue_length: agent.queueSize,
    inserted_at: at,
  }
}

export function toTopology(experiment: Experiment): TopologySnapshot[] {
  const { id, plan, environment, started_at, created_at } = experiment
  const at = started_at ?? created_at
  return (environment?.nodes ?? []).map(({ node_id, region, bootstrap }) => ({
    id: `${id}.${node_id}`,
    experiment_id: id,
    node_id,
    region,
    bootstrap_peers: bootstrap,
    transaction_size_bytes: plan.payload_bytes,
    transaction_frequency_ms: plan.interval_ms,
    inserted_at: at,
    updated_at: at,
  }))
}

export function transportNameOf({ plan }: Experiment): ExperimentRow['transport'] {
  const [first, second] = plan.transports
  return second === undefined && first !== undefined ? first : 'both'
}

/** Of an experiment with both transports, gossip: it is what the original's figures were of. */
export function mainFigures({ transports }: ExperimentFigures): TransportFigures | undefined {
  return transports.find(({ transport }) => transport === 'gossip') ?? transports[0]
}

export function toRow({ experiment, progress }: Found, figures: ExperimentFigures): ExperimentRow {
  const main = mainFigures(figures)
  return {
    experiment_id: experiment.id,
    transport: transportNameOf(experiment),
    started_at: experiment.started_at,
    duration_seconds: durationOf(experiment),
    node_count: experiment.expected.length,
    message_count: progress.sent,
    ack_count: progress.acks,
    success_rate: percent(progress.acks, progress.expected_acks),
    avg_latency_ms: main?.round_trip.mean_ms ?? null,
    p95_latency_ms: main?.round_trip.p95_ms ?? null,
  }
}

export function toRowsCsv(rows: readonly ExperimentRow[]): string {
  const names = [
    'experiment_id',
    'transport',
    'started_at',
    'duration_seconds',
    'node_count',
    'message_count',
    'ack_count',
    'success_rate',
    'avg_latency_ms',
    'p95_latency_ms',
  ] as const
  return toCsv([names, ...rows.map((row) => names.map((name) => row[name]))])
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

function durationOf({ started_at, finished_at, sending_ended_at }: Experiment): number | null {
  const ended = finished_at ?? sending_ended_at
  if (started_at === null || ended === null) return null
  return (Date.parse(ended) - Date.parse(started_at)) / 1000
}

function percent(part: number, whole: number): number | null {
  return whole === 0 ? null : (100 * part) / whole
}

const pointsOfNode = 1000

/** What of an export is gathered from its raw events as they pass by, in bounded memory. */
export function createFlowSummary() {
  const series = new Map<string, { send_time: string; rtt_ms: number }[]>()
  const flows = new Map<string, { sent: number; acks: number }>()
  const flowOf = (nodeId: string) => flows.getOrInsertComputed(nodeId, () => ({ sent: 0, acks: 0 }))
  return {
    add({
      event_type,
      originating_node,
      target_node,
      event_timestamp,
      round_trip_ms,
    }: MessageEvent) {
      if (event_type === 'sent') flowOf(originating_node).sent += 1
      if (target_node === null || round_trip_ms === null) return
      flowOf(originating_node).acks += 1
      const points = series.getOrInsertComputed(target_node, () => [])
      if (points.length >= pointsOfNode) return
      const sentAt = new Date(Date.parse(event_timestamp) - round_trip_ms).toISOString()
      points.push({ send_time: sentAt, rtt_ms: round_trip_ms })
    },
    read: () => ({
      rtt_time_series: [...series].map(([node_id, data_points]) => ({ node_id, data_points })),
      message_flows: [...flows].map(([originating_node, { sent, acks }]) => ({
        originating_node,
        messages_sent: sent,
        total_acks_received: acks,
        avg_acks_per_message: sent === 0 ? null : acks / sent,
      })),
    }),
  }
}
