import { type Static, Type } from 'typebox'
import { defineHint, defineRecord } from './definition.ts'
import { planLimits } from './experiment-limits.ts'
import { ExperimentId, Transport } from './message.ts'
import { AgentKind } from './node.ts'
import { By } from './operation.ts'
import { Share } from './share.ts'
import { Timestamp } from './timestamp.ts'
import { keptText, NodeId, nullable, oneLine } from './values.ts'

/** What is to be sent, and by whom. Every interval one message; origins and transports take turns. */
export const ExperimentPlan = Type.Object(
  {
    name: Type.String({
      ...planLimits.name,
      pattern: oneLine,
      description: 'a line of text, without control characters',
    }),
    note: Type.String({
      ...planLimits.note,
      pattern: keptText,
      description: 'text, without NUL',
    }),
    transports: Type.Array(Transport, { minItems: 1, maxItems: 2, uniqueItems: true }),
    origins: Type.Array(NodeId, { minItems: 1, maxItems: 300, uniqueItems: true }),
    count: Type.Integer({
      ...planLimits.count,
      description:
        'messages of each transport, warm-up included; 0: whatever the origins send until it is stopped',
    }),
    interval_ms: Type.Number(planLimits.interval_ms),
    payload_bytes: Type.Integer(planLimits.payload_bytes),
    warmup: Type.Integer({
      ...planLimits.warmup,
      description: 'first messages of each transport, which are sent and not counted',
    }),
    seed: Type.Integer({
      ...planLimits.seed,
      description: 'of the order of transports and of the contents',
    }),
    repeat_of: nullable(ExperimentId, { description: 'the first of a series of like experiments' }),
  },
  { additionalProperties: false },
)
export type ExperimentPlan = Static<typeof ExperimentPlan>

export const ExperimentStatus = Type.Union([
  Type.Literal('created'),
  Type.Literal('running'),
  Type.Literal('finishing', {
    description: 'everything was sent; acknowledgements are waited for until the deadline',
  }),
  Type.Literal('finished'),
  Type.Literal('stopped', { description: 'by a person; what was sent is counted' }),
  Type.Literal('interrupted', { description: 'it could not be carried out as planned' }),
])
export type ExperimentStatus = Static<typeof ExperimentStatus>

/** What the cluster was at the start of an experiment. */
export const ExperimentEnvironment = Type.Object({
  versions: Type.Record(Type.String(), Type.String(), {
    description: 'corroport, node, nats, postgres',
  }),
  nodes: Type.Array(
    Type.Object({
      node_id: NodeId,
      region: nullable(Type.String()),
      actor_id: nullable(Type.String()),
      agent_kind: nullable(AgentKind),
      agent_version: nullable(Type.String()),
      version: nullable(Type.String({ description: 'of its services' })),
      bootstrap: Type.Array(Type.String()),
      config_sha256: nullable(Type.String()),
      was_present: Type.Boolean(),
    }),
  ),
  host: Type.Object({ platform: Type.String(), cores: Type.Integer() }),
})
export type ExperimentEnvironment = Static<typeof ExperimentEnvironment>

export const Experiment = Type.Object({
  id: ExperimentId,
  plan: ExperimentPlan,
  status: ExperimentStatus,
  reason: nullable(Type.String()),
  expected: Type.Array(NodeId, { description: 'receivers at the start, origins included' }),
  environment: nullable(ExperimentEnvironment),
  shares: Type.Array(Share),
  by: By,
  created_at: Timestamp,
  started_at: nullable(Timestamp),
  sending_ended_at: nullable(Timestamp),
  deadline_at: nullable(Timestamp, { description: 'what arrives later is late' }),
  finished_at: nullable(Timestamp),
  imported_from: nullable(Type.String()),
})
export type Experiment = Static<typeof Experiment>

/** How far a running experiment is, from what analytics has stored. */
export const ExperimentProgress = Type.Object({
  planned: Type.Integer(),
  sent: Type.Integer(),
  accepted: Type.Integer(),
  failed: Type.Integer(),
  skipped: Type.Integer(),
  expected_acks: Type.Integer(),
  acks: Type.Integer(),
})
export type ExperimentProgress = Static<typeof ExperimentProgress>

export const experimentStarted = defineRecord(
  'corro.experiment.started.{experimentId}',
  'The shares of an experiment were ordered from its origins.',
  Type.Object({ experimentId: ExperimentId, at: Timestamp, experiment: Experiment }),
  ({ experimentId }) => `experiment-started.${experimentId}`,
)

export const experimentFinished = defineRecord(
  'corro.experiment.finished.{experimentId}',
  'An experiment ended, whichever way, and its figures are stored.',
  Type.Object({
    experimentId: ExperimentId,
    at: Timestamp,
    status: ExperimentStatus,
    reason: nullable(Type.String()),
    progress: ExperimentProgress,
  }),
  ({ experimentId }) => `experiment-finished.${experimentId}`,
)

/** Each second while an experiment runs. */
export const experimentProgressed = defineHint(
  'corro.hint.experiment.{experimentId}',
  'How far an experiment is.',
  Type.Object({
    experimentId: ExperimentId,
    status: ExperimentStatus,
    progress: ExperimentProgress,
    at: Timestamp,
  }),
)
