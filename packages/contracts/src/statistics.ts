import { type Static, Type } from 'typebox'
import { samplesNeeded } from './measures.ts'
import { ExperimentId, Transport } from './message.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

const supported = (name: 'p95' | 'p99') =>
  nullable(Type.Number(), { description: `null below ${samplesNeeded[name]} samples` })

/**
 * Milliseconds, to the microsecond. A percentile is the nearest rank: the smallest sample that is not
 * below the wanted share of all (`percentile_disc`).
 */
export const Distribution = Type.Object({
  n: Type.Integer(),
  min_ms: nullable(Type.Number()),
  mean_ms: nullable(Type.Number()),
  p50_ms: nullable(Type.Number()),
  p95_ms: supported('p95'),
  p99_ms: supported('p99'),
  max_ms: nullable(Type.Number()),
})
export type Distribution = Static<typeof Distribution>

/** Receiver's clock less origin's clock, corrected by what is known of both. */
export const OneWay = Type.Object({
  ...Distribution.properties,
  bound_ms: nullable(Type.Number(), {
    description: 'each of these figures may be wrong by so much; the widest',
  }),
  negatives: Type.Integer({ description: 'below zero, and counted as they are' }),
  unknown: Type.Integer({ description: 'receipts without a clock sample near enough' }),
})
export type OneWay = Static<typeof OneWay>

export const MessageCounts = Type.Object({
  planned: Type.Integer(),
  warmup: Type.Integer({ description: 'in none of the figures below' }),
  sent: Type.Integer(),
  accepted: Type.Integer(),
  failed: Type.Integer(),
  skipped: Type.Integer(),
  unsettled: Type.Integer({ description: 'sent, and nobody knows whether it was written' }),
  expected_acks: Type.Integer({ description: 'accepted × receivers' }),
  acks: Type.Integer({ description: 'the late ones included' }),
  late: Type.Integer({ description: 'arrived after the deadline of the experiment' }),
  lost: Type.Integer({ description: 'expected less arrived' }),
})
export type MessageCounts = Static<typeof MessageCounts>

export const HistogramBucket = Type.Object({
  from_ms: Type.Number(),
  to_ms: Type.Number({ description: 'not in it; the last bucket has the largest sample in it' }),
  count: Type.Integer(),
})

/** Of the messages that left within it. */
export const TimeSlice = Type.Object({
  from_s: Type.Number({ description: 'seconds since the start of the experiment' }),
  to_s: Type.Number({ description: 'not in it' }),
  sent: Type.Integer(),
  accepted: Type.Integer(),
  expected_acks: Type.Integer(),
  lost: Type.Integer({ description: 'expected less arrived' }),
  round_trip: Distribution,
})

/** Of the nodes that got it: per receiver, per pair of origin and receiver, or per region. */
export const ReceiverFigures = Type.Object({
  transport: Transport,
  origin_node_id: nullable(NodeId),
  node_id: nullable(NodeId),
  region: nullable(Type.String()),
  expected: Type.Integer(),
  acks: Type.Integer(),
  late: Type.Integer(),
  lost: Type.Integer(),
  retried: Type.Integer({ description: 'acknowledgements that needed more than one attempt' }),
  round_trip: Distribution,
  one_way: OneWay,
})
export type ReceiverFigures = Static<typeof ReceiverFigures>

export const TransportFigures = Type.Object({
  transport: Transport,
  counts: MessageCounts,
  delivery_rate: nullable(Type.Number({ description: 'acks / expected_acks, 0 to 1' })),
  round_trip: Distribution,
  median_interval: nullable(Type.Object({ from_ms: Type.Number(), to_ms: Type.Number() }), {
    description:
      '95 % interval of the median round trip, messages as the samples; null below 6 of them',
  }),
  round_trip_from_intended: Distribution,
  first_ack: Distribution,
  all_acks: Distribution,
  one_way: OneWay,
  write: Distribution,
  sender_delay: Distribution,
  coverage: Type.Array(
    Type.Object({ share: Type.Number(), nodes: Type.Integer(), reached: Distribution }),
    { description: 'time until k of n receivers had acknowledged' },
  ),
  histogram: Type.Object({
    linear: Type.Array(HistogramBucket),
    logarithmic: Type.Array(HistogramBucket),
  }),
  series: Type.Array(TimeSlice, {
    description: 'over the time of sending, in at most 60 slices of one length',
  }),
  receivers: Type.Array(ReceiverFigures, { description: 'per node' }),
  regions: Type.Array(ReceiverFigures, { description: 'per region of the receiver' }),
  warnings: Type.Array(Type.String(), { description: 'why these figures may mislead' }),
})
export type TransportFigures = Static<typeof TransportFigures>

/** Computed once, when an experiment ends, and again when something late arrives. */
export const ExperimentFigures = Type.Object({
  experiment_id: ExperimentId,
  computed_at: Timestamp,
  is_final: Type.Boolean({ description: 'false while it runs' }),
  transports: Type.Array(TransportFigures),
  flush: Type.Object(
    {
      sights: Type.Integer(),
      mean_ms: nullable(Type.Number(), {
        description: 'of the medians that audits told, weighted by their sights',
      }),
    },
    { description: 'from the updates feed to the subscription, of the rows of node_messages' },
  ),
})
export type ExperimentFigures = Static<typeof ExperimentFigures>

/** One message over time, for series and for the original's `timing`. */
export const MessageFigures = Type.Object({
  message_id: Type.String(),
  transport: Transport,
  origin_node_id: NodeId,
  number: nullable(Type.Integer()),
  is_warmup: Type.Boolean(),
  intended_at: nullable(Timestamp),
  sent_at: Timestamp,
  status: Type.Union([Type.Literal('sent'), Type.Literal('accepted'), Type.Literal('failed')]),
  sender_delay_ms: nullable(Type.Number()),
  acks: Type.Integer(),
  expected: Type.Integer(),
  min_ms: nullable(Type.Number()),
  mean_ms: nullable(Type.Number()),
  median_ms: nullable(Type.Number()),
  max_ms: nullable(Type.Number()),
  missing: Type.Array(NodeId),
})
export type MessageFigures = Static<typeof MessageFigures>

export const Verdict = Type.Union([
  Type.Literal('different'),
  Type.Literal('not-shown', { description: 'no difference could be shown' }),
  Type.Literal('too-few', { description: 'not enough was measured to say anything' }),
])

/** One figure of two sides. Differences are b less a. */
export const ComparedFigure = Type.Object({
  transport: Transport,
  figure: Type.Union([Type.Literal('median'), Type.Literal('p95'), Type.Literal('loss')]),
  unit: Type.Union([Type.Literal('ms'), Type.Literal('share')]),
  a: nullable(Type.Number()),
  b: nullable(Type.Number()),
  difference: nullable(Type.Number()),
  interval: nullable(Type.Tuple([Type.Number(), Type.Number()]), {
    description: 'bootstrap, 95 %',
  }),
  relative: nullable(Type.Number({ description: 'difference / a' })),
  p_value: nullable(Type.Number(), { description: 'permutation test, corrected after Holm' }),
  smallest_effect: nullable(Type.Number(), {
    description: 'a difference that would have been seen in 80 of 100 such experiments',
  }),
  verdict: Verdict,
})
export type ComparedFigure = Static<typeof ComparedFigure>

export const ComparedSide = Type.Object({
  ids: Type.Array(ExperimentId),
  messages: Type.Integer(),
  acks: Type.Integer(),
})

export const Comparison = Type.Object({
  a: ComparedSide,
  b: ComparedSide,
  unit: Type.Union([Type.Literal('runs'), Type.Literal('blocks')], {
    description: 'what is drawn: whole experiments, or blocks of consecutive messages',
  }),
  units: Type.Tuple([Type.Integer(), Type.Integer()]),
  resamples: Type.Integer(),
  seed: Type.Integer(),
  figures: Type.Array(ComparedFigure),
  warnings: Type.Array(Type.String()),
  sentence: Type.String({ description: 'what may be concluded' }),
})
export type Comparison = Static<typeof Comparison>
