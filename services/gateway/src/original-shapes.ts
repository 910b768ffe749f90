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
import { toCsv } from './csv.ts'

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

export function durationOf({
  started_at,
  finished_at,
  sending_ended_at,
}: Experiment): number | null {
  const ended = finished_at ?? sending_ended_at
  if (started_at === null || ended === null) return null
  return (Date.parse(ended) - Date.parse(started_at)) / 1000
}

export function percent(part: number, whole: number): number | null {
  return whole === 0 ? null : (100 * part) / whole
}
