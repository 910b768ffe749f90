import { type Static, Type } from 'typebox'
import { ExperimentPlan } from './experiment.ts'
import { answered } from './http.ts'
import { ExperimentId, Transport } from './message.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

// The routes below /api/analytics that keep the paths and fields of the first CorroPort. What comes in
// pages has a `next`, which is `after` (of the list: `before`) of the following one.

const closed = { additionalProperties: false }
const next = nullable(Type.String())
const { count, interval_ms } = ExperimentPlan.properties

/**
 * `POST /api/analytics/aggregation/start`, answered when this node sends for it. Without a count:
 * whatever it sends, until stopped.
 */
export const AggregationStart = Type.Object(
  {
    experiment_id: ExperimentId,
    message_count: Type.Optional(Type.Unsafe<number>({ ...count, default: 0 })),
    message_interval_ms: Type.Optional(Type.Unsafe<number>({ ...interval_ms, default: 1000 })),
    transport: Type.Optional(
      Type.Union([Type.Literal('corrosion'), Type.Literal('pubsub')], { default: 'corrosion' }),
    ),
  },
  closed,
)

/** `POST /api/analytics/aggregation/stop`. Without a body: what this node alone sends. */
export const AggregationStop = Type.Object({ experiment_id: Type.Optional(ExperimentId) }, closed)

const succeeded = { status: Type.Literal('success'), timestamp: Timestamp }

export const AggregationReply = Type.Object({
  ...succeeded,
  result: Type.Literal('ok'),
  experiment_id: nullable(ExperimentId),
  node_id: NodeId,
})

export const AggregationStatusReply = Type.Object({
  ...succeeded,
  active_nodes: Type.Array(
    Type.Object({
      node_id: NodeId,
      region: nullable(Type.String()),
      phoenix_port: nullable(Type.Integer({ description: 'of its API' })),
      is_local: Type.Boolean(),
    }),
  ),
  node_count: Type.Integer(),
  local_node_id: NodeId,
  running_experiments: Type.Array(ExperimentId),
})

export const AnalyticsHealthReply = Type.Object({
  status: Type.Literal('ok'),
  node_id: NodeId,
  region: Type.String(),
  database: Type.Literal('ok'),
  timestamp: Timestamp,
})

export const ExperimentSummaries = Type.Object({
  ...succeeded,
  experiments: Type.Array(
    Type.Object({
      experiment_id: ExperimentId,
      message_count: Type.Integer({ description: 'sends and acknowledgements' }),
      send_count: Type.Integer(),
      ack_count: Type.Integer(),
      time_range: nullable(Type.Object({ start: Timestamp, end: nullable(Timestamp) })),
    }),
  ),
  count: Type.Integer(),
  next,
})

const ofExperiment = { experiment_id: ExperimentId, ...answered }
const listed = { ...ofExperiment, count: Type.Integer() }
const ofNode = { id: Type.String(), experiment_id: ExperimentId, node_id: NodeId }

export const ExperimentSummary = Type.Object({
  ...ofExperiment,
  topology_snapshots_count: Type.Integer(),
  message_count: Type.Integer(),
  send_count: Type.Integer(),
  ack_count: Type.Integer(),
  system_metrics_count: Type.Null({ description: 'not counted here: …/metrics has them' }),
})

export const TimingStats = Type.Object({
  message_id: Type.String(),
  send_time: Timestamp,
  ack_count: Type.Integer(),
  min_latency_ms: nullable(Type.Number()),
  max_latency_ms: nullable(Type.Number()),
  avg_latency_ms: nullable(Type.Number()),
  median_latency_ms: nullable(Type.Number()),
})
export type TimingStats = Static<typeof TimingStats>

export const TimingReply = Type.Object({ ...listed, timing_stats: Type.Array(TimingStats), next })

/** A sample of a node. What belonged to the Erlang machine is null. */
export const SystemMetric = Type.Object({
  ...ofNode,
  cpu_percent: nullable(Type.Number()),
  memory_mb: nullable(Type.Number()),
  erlang_processes: Type.Null(),
  corrosion_connections: Type.Null(),
  message_queue_length: nullable(
    Type.Number({ description: 'changes that the agent has to apply' }),
  ),
  inserted_at: Timestamp,
})
export type SystemMetric = Static<typeof SystemMetric>

export const SystemMetricsReply = Type.Object({
  ...listed,
  system_metrics: Type.Array(SystemMetric),
})

/** A send, or an acknowledgement as its origin got it. */
export const MessageEvent = Type.Object({
  id: Type.String(),
  message_id: Type.String(),
  experiment_id: ExperimentId,
  originating_node: NodeId,
  target_node: nullable(NodeId),
  event_type: Type.Union([Type.Literal('sent'), Type.Literal('acked')]),
  event_timestamp: Timestamp,
  receipt_timestamp: nullable(Timestamp, { description: "the receiver's clock" }),
  region: nullable(Type.String()),
  transaction_size_hint: nullable(Type.Integer()),
  transport: Transport,
  round_trip_ms: nullable(Type.Number()),
  inserted_at: Timestamp,
})
export type MessageEvent = Static<typeof MessageEvent>

export const MessageEventsReply = Type.Object({
  ...listed,
  message_events: Type.Array(MessageEvent),
  next,
})

export const TopologySnapshot = Type.Object({
  ...ofNode,
  region: nullable(Type.String()),
  bootstrap_peers: Type.Array(Type.String()),
  transaction_size_bytes: Type.Integer(),
  transaction_frequency_ms: Type.Number(),
  inserted_at: Timestamp,
  updated_at: Timestamp,
})
export type TopologySnapshot = Static<typeof TopologySnapshot>

export const TopologyReply = Type.Object({
  ...listed,
  topology_snapshots: Type.Array(TopologySnapshot),
})

const exportMetadata = {
  exported_at: Timestamp,
  exporter_version: Type.String(),
  node_id: NodeId,
  region: Type.String(),
}

export const ExperimentRow = Type.Object({
  experiment_id: ExperimentId,
  transport: Type.Union([...Transport.anyOf, Type.Literal('both')]),
  started_at: nullable(Timestamp),
  duration_seconds: nullable(Type.Number()),
  node_count: Type.Integer(),
  message_count: Type.Integer({ description: 'sends' }),
  ack_count: Type.Integer(),
  success_rate: nullable(Type.Number(), {
    description: 'percent: acknowledgements / (accepted × receivers)',
  }),
  avg_latency_ms: nullable(Type.Number()),
  p95_latency_ms: nullable(Type.Number()),
})
export type ExperimentRow = Static<typeof ExperimentRow>

export const ExperimentRows = Type.Object({
  metadata: Type.Object(exportMetadata),
  experiment_count: Type.Integer(),
  experiments: Type.Array(ExperimentRow),
})
