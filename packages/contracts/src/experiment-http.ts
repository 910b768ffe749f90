import { type Static, Type } from 'typebox'
import { analyticsVacuumed, LedgerEntry, Propagation, StoredEvent } from './analytics.ts'
import { ClockState, clockSampled } from './clock.ts'
import { Experiment, ExperimentPlan, ExperimentProgress } from './experiment.ts'
import { answered } from './http.ts'
import { ExperimentId, Transport } from './message.ts'
import { Comparison, ExperimentFigures, MessageFigures, ReceiverFigures } from './statistics.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

// Bodies and answers of the routes about experiments. Lists come in pages: `next` of one is `after`
// of the following one, and null on the last.

const closed = { additionalProperties: false }
const next = nullable(Type.String())
const { name, note, origins, count, interval_ms, payload_bytes, warmup, seed, repeat_of } =
  ExperimentPlan.properties

/** What is not said in a request to create an experiment. The origin is then the node that is asked. */
export const experimentDefaults = {
  note: '',
  transport: 'gossip',
  count: 200,
  interval_ms: 100,
  payload_bytes: 64,
  warmup: 0,
  start: true,
} as const

const defaulted = (schema: object, value: number) =>
  Type.Optional(Type.Unsafe<number>({ ...schema, default: value }))

/** `POST /api/experiments`: 201 with an `ExperimentReply`. Without `seed` one is drawn. */
export const ExperimentRequest = Type.Object(
  {
    id: Type.Optional(ExperimentId),
    name,
    note: Type.Optional(note),
    transport: Type.Optional(
      Type.Union([...Transport.anyOf, Type.Literal('both')], {
        default: experimentDefaults.transport,
      }),
    ),
    origins: Type.Optional(origins),
    count: defaulted(count, experimentDefaults.count),
    interval_ms: defaulted(interval_ms, experimentDefaults.interval_ms),
    payload_bytes: defaulted(payload_bytes, experimentDefaults.payload_bytes),
    warmup: defaulted(warmup, experimentDefaults.warmup),
    seed: Type.Optional(seed),
    repeat_of: Type.Optional(repeat_of),
    start: Type.Optional(
      Type.Boolean({
        default: experimentDefaults.start,
        description: 'false: stored, and begun by POST /api/experiments/{id}/start',
      }),
    ),
  },
  closed,
)
export type ExperimentRequest = Static<typeof ExperimentRequest>

const one = { experiment: Experiment, progress: ExperimentProgress }

/** Also 200 of `GET /api/experiments/{id}` and of `POST …/{id}/start|stop`. */
export const ExperimentReply = Type.Object({ ...one, ...answered })
export type ExperimentReply = Static<typeof ExperimentReply>

/** `GET /api/experiments?limit=&before=`, the newest first. `next` is `before` of the next page. */
export const ExperimentsReply = Type.Object({
  experiments: Type.Array(Type.Object(one)),
  next,
  ...answered,
})
export type ExperimentsReply = Static<typeof ExperimentsReply>

/** `DELETE /api/experiments/{id}`. */
export const ExperimentDeletedReply = Type.Object({ status: Type.Literal('success'), ...answered })

/** `GET /api/experiments/{id}/figures`. */
export const FiguresReply = Type.Object({ figures: ExperimentFigures, ...answered })
export type FiguresReply = Static<typeof FiguresReply>

/** `GET /api/experiments/{id}/pairs?after=`. */
export const PairsReply = Type.Object({ pairs: Type.Array(ReceiverFigures), next, ...answered })
export type PairsReply = Static<typeof PairsReply>

/** `GET /api/experiments/{id}/messages?limit=&after=`. */
export const MessageFiguresReply = Type.Object({
  messages: Type.Array(MessageFigures),
  next,
  ...answered,
})
export type MessageFiguresReply = Static<typeof MessageFiguresReply>

/**
 * `GET /api/experiments/{id}/events` as application/x-ndjson: the experiment, its raw records, and an
 * end, without which it was cut off.
 */
export const ExportLine = Type.Union([
  Type.Object({ experiment: Experiment }),
  StoredEvent,
  Type.Object({ end: Type.Object({ events: Type.Integer({ minimum: 0 }) }) }),
])
export type ExportLine = Static<typeof ExportLine>

/** A request to import must fit into one message of NATS. */
export const maxImportPageBytes = 900_000

/**
 * `POST /api/experiments/import`: a page. The first one has the experiment; the last one makes it
 * visible. A page may be sent again; none may be left out.
 */
export const ImportRequest = Type.Object(
  {
    import_id: Type.String({ pattern: '^[0-9A-HJKMNP-TV-Z]{26}$', description: 'a new ULID' }),
    page: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
    is_last: Type.Boolean(),
    experiment: Type.Optional(Experiment),
    events: Type.Array(StoredEvent, { maxItems: 5000 }),
  },
  closed,
)
export type ImportRequest = Static<typeof ImportRequest>
export const ImportReply = Type.Object({
  stored: Type.Integer(),
  experiment: nullable(Experiment, { description: 'on the last page' }),
  ...answered,
})
export type ImportReply = Static<typeof ImportReply>

/** `GET /api/experiments/compare?ids=a,b`, or `?a=a1,a2&b=b1,b2` for two series. */
export const ComparisonReply = Type.Object({ comparison: Comparison, ...answered })
export type ComparisonReply = Static<typeof ComparisonReply>

/** `GET /api/clocks?node=&hours=`. The history is of the named node. */
export const ClocksReply = Type.Object({
  reference: Type.String({ description: 'whose clock is 0' }),
  clocks: Type.Array(ClockState),
  history: Type.Array(clockSampled.schema),
  ...answered,
})
export type ClocksReply = Static<typeof ClocksReply>

/** `GET /api/propagation?table=&origin=&node=&hours=&after=`. */
export const PropagationReply = Type.Object({
  propagation: Type.Array(Propagation),
  next,
  ...answered,
})
export type PropagationReply = Static<typeof PropagationReply>

/** `POST /api/analytics/vacuum`. */
export const VacuumReply = Type.Object({ ...analyticsVacuumed.reply.properties, ...answered })
export type VacuumReply = Static<typeof VacuumReply>

/** `GET /api/analytics/ledger`. */
export const LedgerReply = Type.Object({
  is_balanced: Type.Boolean(),
  streams: Type.Array(LedgerEntry),
  ...answered,
})
export type LedgerReply = Static<typeof LedgerReply>

// The routes below /api/analytics keep the paths and fields of the first CorroPort.

/** `POST /api/analytics/aggregation/start`. Without a count: whatever this node sends, until stopped. */
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

export const TimingReply = Type.Object({
  ...ofExperiment,
  timing_stats: Type.Array(TimingStats),
  count: Type.Integer(),
  next,
})

/** A sample of a node. What belonged to the Erlang machine is null. */
export const SystemMetric = Type.Object({
  id: Type.String(),
  experiment_id: ExperimentId,
  node_id: NodeId,
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
  ...ofExperiment,
  system_metrics: Type.Array(SystemMetric),
  count: Type.Integer(),
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
  ...ofExperiment,
  message_events: Type.Array(MessageEvent),
  count: Type.Integer(),
  next,
})

export const TopologySnapshot = Type.Object({
  id: Type.String(),
  experiment_id: ExperimentId,
  node_id: NodeId,
  region: nullable(Type.String()),
  bootstrap_peers: Type.Array(Type.String()),
  transaction_size_bytes: Type.Integer(),
  transaction_frequency_ms: Type.Number(),
  inserted_at: Timestamp,
  updated_at: Timestamp,
})
export type TopologySnapshot = Static<typeof TopologySnapshot>

export const TopologyReply = Type.Object({
  ...ofExperiment,
  topology_snapshots: Type.Array(TopologySnapshot),
  count: Type.Integer(),
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
