import { type Static, Type } from 'typebox'
import { defineCommand } from './definition.ts'
import { Experiment, ExperimentPlan, ExperimentProgress } from './experiment.ts'
import { ExperimentId } from './message.ts'
import { By } from './operation.ts'
import { Comparison, ExperimentFigures, MessageFigures, ReceiverFigures } from './statistics.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

const one = Type.Object({ experiment: Experiment, progress: ExperimentProgress })

export const experimentCreated = defineCommand(
  'corro.command.analytics.create',
  'Stores an experiment, and begins it where that is asked.',
  {
    request: Type.Object({
      id: Type.Optional(ExperimentId),
      plan: ExperimentPlan,
      by: By,
      start: Type.Boolean(),
    }),
    reply: one,
    timeoutMs: 10_000,
  },
)

export const experimentBegun = defineCommand(
  'corro.command.analytics.start',
  'Begins an experiment that was only stored.',
  { request: Type.Object({ id: ExperimentId, by: By }), reply: one, timeoutMs: 10_000 },
)

export const experimentEnded = defineCommand(
  'corro.command.analytics.stop',
  'Nothing more is sent; what was sent is counted.',
  { request: Type.Object({ id: ExperimentId, by: By }), reply: one, timeoutMs: 10_000 },
)

export const experimentDeleted = defineCommand(
  'corro.command.analytics.delete',
  'Forgets an experiment and its figures. Refused while it runs.',
  { request: Type.Object({ id: ExperimentId, by: By }), reply: Type.Object({}), timeoutMs: 30_000 },
)

export const experimentsListed = defineCommand(
  'corro.command.analytics.list',
  'Experiments, the newest first.',
  {
    request: Type.Object({
      limit: Type.Integer({ minimum: 1, maximum: 200 }),
      before: Type.Optional(Timestamp),
    }),
    reply: Type.Object({ experiments: Type.Array(one), next: nullable(Timestamp) }),
    timeoutMs: 5000,
  },
)

export const experimentQueried = defineCommand(
  'corro.command.analytics.experiment',
  'One experiment, and how far it is.',
  { request: Type.Object({ id: ExperimentId }), reply: one, timeoutMs: 5000 },
)

export const figuresQueried = defineCommand(
  'corro.command.analytics.figures',
  'The figures of an experiment: stored ones, or of what has arrived while it runs.',
  {
    request: Type.Object({ id: ExperimentId }),
    reply: Type.Object({ figures: ExperimentFigures }),
    timeoutMs: 10_000,
  },
)

/** Pages: `after` is the `next` of the page before. */
const page = { after: Type.Optional(Type.String({ maxLength: 300 })) }
const next = nullable(Type.String(), { description: '`after` of the next page; null on the last' })

export const pairsQueried = defineCommand(
  'corro.command.analytics.pairs',
  'Figures per pair of origin and receiver.',
  {
    request: Type.Object({ id: ExperimentId, ...page }),
    reply: Type.Object({ pairs: Type.Array(ReceiverFigures), next }),
    timeoutMs: 10_000,
  },
)

export const messagesQueried = defineCommand(
  'corro.command.analytics.messages',
  'Figures per message, in the order of sending.',
  {
    request: Type.Object({
      id: ExperimentId,
      limit: Type.Integer({ minimum: 1, maximum: 1000 }),
      ...page,
    }),
    reply: Type.Object({ messages: Type.Array(MessageFigures), next }),
    timeoutMs: 10_000,
  },
)

/** A stored record of an experiment, as it was told: what a bundle holds. */
export const StoredEvent = Type.Object({
  kind: Type.Union([
    Type.Literal('sent'),
    Type.Literal('accepted'),
    Type.Literal('failed'),
    Type.Literal('skipped'),
    Type.Literal('received'),
    Type.Literal('acked'),
    Type.Literal('clock'),
    Type.Literal('sample'),
  ]),
  event: Type.Unknown({ description: 'the payload of the record of this kind' }),
})
export type StoredEvent = Static<typeof StoredEvent>

export const storedEventsQueried = defineCommand(
  'corro.command.analytics.events',
  'The raw records of an experiment, in a fixed order, a page of at most 800 kB at a time.',
  {
    request: Type.Object({ id: ExperimentId, ...page }),
    reply: Type.Object({ events: Type.Array(StoredEvent), next }),
    timeoutMs: 15_000,
  },
)

export const experimentImported = defineCommand(
  'corro.command.analytics.import',
  'A page of an experiment that was measured elsewhere. The last one makes it visible, with figures of our own.',
  {
    request: Type.Object({
      importId: Type.String({ pattern: '^[0-9A-HJKMNP-TV-Z]{26}$' }),
      page: Type.Integer({ minimum: 0, maximum: 1_000_000 }),
      isLast: Type.Boolean(),
      experiment: Type.Optional(Experiment),
      events: Type.Array(StoredEvent, { maxItems: 5000 }),
      by: By,
    }),
    reply: Type.Object({ stored: Type.Integer(), experiment: nullable(Experiment) }),
    timeoutMs: 60_000,
  },
)

export const experimentsCompared = defineCommand(
  'corro.command.analytics.compare',
  'Two sides, each an experiment or a series of like ones. Equal sides: halves of the same, A versus A.',
  {
    request: Type.Object({
      a: Type.Array(ExperimentId, { minItems: 1, maxItems: 100 }),
      b: Type.Array(ExperimentId, { minItems: 1, maxItems: 100 }),
      seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 })),
    }),
    reply: Type.Object({ comparison: Comparison }),
    timeoutMs: 30_000,
  },
)

/** Write → seen, of real traffic: no test message is needed. */
export const Propagation = Type.Object({
  table: Type.String(),
  origin_node_id: NodeId,
  node_id: NodeId,
  hour: Timestamp,
  n: Type.Integer(),
  negatives: Type.Integer(),
  without_clock: Type.Integer({ description: 'sights without a clock sample near enough' }),
  p50_ms: nullable(Type.Number()),
  p95_ms: nullable(Type.Number()),
  p99_ms: nullable(Type.Number()),
  max_ms: nullable(Type.Number()),
  bound_ms: nullable(Type.Number()),
  corrosion_p99_lag_ms: nullable(Type.Number(), {
    description:
      "the receiver's own figure at the end of the hour, wrong by the clocks' difference",
  }),
})
export type Propagation = Static<typeof Propagation>

export const propagationQueried = defineCommand(
  'corro.command.analytics.propagation',
  'How long rows of every table took from their writer to each node, by hour.',
  {
    request: Type.Object({
      table: Type.Optional(Type.String({ maxLength: 200 })),
      origin: Type.Optional(NodeId),
      node: Type.Optional(NodeId),
      sinceHours: Type.Number({ minimum: 0.1, maximum: 24 * 28 }),
      ...page,
    }),
    reply: Type.Object({ propagation: Type.Array(Propagation), next }),
    timeoutMs: 10_000,
  },
)

/** What of a stream was stored, to the record. */
export const LedgerEntry = Type.Object({
  stream: Type.String(),
  incarnation: Type.String(),
  is_current: Type.Boolean(),
  first_sequence: Type.Integer(),
  last_sequence: Type.Integer({ description: 'everything up to here was dealt with' }),
  published: Type.Integer({ description: 'sequences from the first to the last' }),
  stored: Type.Integer(),
  duplicates: Type.Integer({ description: 'facts that were stored before' }),
  refused: Type.Integer({ description: 'fit no contract; set aside' }),
  missing: Type.Array(
    Type.Object({ from: Type.Integer(), to: Type.Integer(), reason: Type.String() }),
  ),
  waiting: nullable(Type.Integer({ description: 'in the stream, and not dealt with yet' })),
})
export type LedgerEntry = Static<typeof LedgerEntry>

export const ledgerQueried = defineCommand(
  'corro.command.analytics.ledger',
  'Published = stored + duplicates + refused + missing, for every stream.',
  {
    request: Type.Object({}),
    reply: Type.Object({ is_balanced: Type.Boolean(), streams: Type.Array(LedgerEntry) }),
    timeoutMs: 5000,
  },
)

export const analyticsVacuumed = defineCommand(
  'corro.command.analytics.vacuum',
  'Drops raw records that are older than they are kept, now rather than within the hour.',
  {
    request: Type.Object({ by: By }),
    reply: Type.Object({
      retention_days: Type.Integer(),
      dropped: Type.Array(Type.String(), { description: 'partitions' }),
      deleted_rows: Type.Integer({ description: 'outside of partitions' }),
      made: Type.Array(Type.String(), { description: 'partitions of the days to come' }),
    }),
    timeoutMs: 60_000,
  },
)
