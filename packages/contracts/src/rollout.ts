import { type Static, Type } from 'typebox'
import { CheckedEdit, ConfigEdit, Digest } from './agent-config.ts'
import { defineCommand, defineRecord } from './definition.ts'
import { By } from './operation.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

/** The bootstrap lists of all files as a graph; an edge leads from a node to a seed of its list. */
export const GraphCheck = Type.Object({
  components: Type.Array(Type.Array(NodeId), {
    description: 'pieces of nodes that find each other from empty databases',
  }),
  single_points_of_failure: Type.Array(NodeId, {
    description: 'without it the rest falls into more pieces',
  }),
  unknown_seeds: Type.Array(Type.Object({ node_id: NodeId, host: Type.String() }), {
    description: 'seeds that are no gossip address of any node',
  }),
})
export type GraphCheck = Static<typeof GraphCheck>

/** A change of many nodes, looked at and not begun. Valid for 15 minutes, and until a file changes. */
export const Plan = Type.Object({
  id: Type.String({ description: '<node_id>_<ULID> of the node that made it' }),
  edit: ConfigEdit,
  node_ids: Type.Array(NodeId, { description: 'in the order of the rollout, canary first' }),
  nodes: Type.Array(CheckedEdit),
  graph: GraphCheck,
  problems: Type.Array(Type.String(), { description: 'while there is one it cannot be applied' }),
  warnings: Type.Array(Type.String()),
  by: By,
  created_at: Timestamp,
  expires_at: Timestamp,
})
export type Plan = Static<typeof Plan>

export const RolloutStep = Type.Object({
  node_id: NodeId,
  state: Type.Union([
    Type.Literal('waiting'),
    Type.Literal('applying'),
    Type.Literal('checking'),
    Type.Literal('done'),
    Type.Literal('rolling-back'),
    Type.Literal('rolled-back'),
    Type.Literal('failed'),
    Type.Literal('skipped'),
  ]),
  reason: nullable(Type.String()),
  steps_ms: Type.Record(Type.String(), Type.Number(), {
    description: 'stop, start, http, subscription, members, canary-out, canary-in',
  }),
  sha256_before: Digest,
  sha256_after: Digest,
  started_at: nullable(Timestamp),
  finished_at: nullable(Timestamp),
})
export type RolloutStep = Static<typeof RolloutStep>

export const RolloutState = Type.Union([
  Type.Literal('running'),
  Type.Literal('pausing'),
  Type.Literal('paused'),
  Type.Literal('aborting'),
  Type.Literal('succeeded'),
  Type.Literal('stopped', {
    description: 'a node failed and was rolled back; the rest is untouched',
  }),
  Type.Literal('aborted'),
])
export type RolloutState = Static<typeof RolloutState>

export const Rollout = Type.Object({
  id: Type.String({ description: 'the id of its plan' }),
  edit: ConfigEdit,
  state: RolloutState,
  reason: nullable(Type.String()),
  nodes: Type.Array(RolloutStep),
  coordinator: NodeId,
  epoch: Type.Integer({ description: 'goes up when another node takes over' }),
  version: Type.Integer({ description: 'goes up with every change of this document' }),
  by: By,
  started_at: Timestamp,
  finished_at: nullable(Timestamp),
})
export type Rollout = Static<typeof Rollout>

export const rolloutChanged = defineRecord(
  'corro.rollout.changed.{nodeId}',
  'A rollout moved on; told by its coordinator.',
  Type.Object({ nodeId: NodeId, at: Timestamp, rollout: Rollout }),
  (event) => `${event.rollout.id}.${event.rollout.epoch}.${event.rollout.version}`,
)

export const configPlanned = defineCommand(
  'corro.command.config-manager.plan.{nodeId}',
  'Looks at a change of many nodes; this node asks the others.',
  {
    request: Type.Object({
      edit: ConfigEdit,
      nodes: Type.Union([Type.Literal('all'), Type.Array(NodeId, { minItems: 1, maxItems: 1000 })]),
      by: By,
    }),
    reply: Type.Object({ plan: Plan }),
    timeoutMs: 15_000,
  },
)

export const rolloutStarted = defineCommand(
  'corro.command.config-manager.apply.{nodeId}',
  'Begins the rollout of a plan that this node made.',
  {
    request: Type.Object({ planId: Type.String({ maxLength: 128 }), by: By }),
    reply: Type.Object({ rollout: Rollout }),
    timeoutMs: 15_000,
  },
)

export const rolloutsQueried = defineCommand(
  'corro.command.config-manager.rollouts.{nodeId}',
  'A rollout as this node knows it, or the latest ones.',
  {
    request: Type.Object({ id: Type.Optional(Type.String({ maxLength: 128 })) }),
    reply: Type.Object({ rollouts: Type.Array(Rollout) }),
    timeoutMs: 3000,
  },
)

export const rolloutSteered = defineCommand(
  'corro.command.config-manager.steer.{nodeId}',
  'Pauses, resumes or aborts a rollout, whichever node coordinates it.',
  {
    request: Type.Object({
      id: Type.String({ maxLength: 128 }),
      action: Type.Union([Type.Literal('pause'), Type.Literal('resume'), Type.Literal('abort')]),
      by: By,
    }),
    reply: Type.Object({ rollout: Rollout }),
    timeoutMs: 5000,
  },
)

/** How far a node is with a step that its coordinator asked for. */
export const StepReport = Type.Object({
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('applied'),
    Type.Literal('rolled-back'),
    Type.Literal('failed'),
  ]),
  reason: nullable(Type.String()),
  stepsMs: Type.Record(Type.String(), Type.Number()),
})
export type StepReport = Static<typeof StepReport>

export const stepExecuted = defineCommand(
  'corro.command.config-manager.execute.{nodeId}',
  'Does one step of a rollout on this node, once, however often it is asked; says how far it is.',
  {
    request: Type.Object({
      rolloutId: Type.String({ maxLength: 128 }),
      epoch: Type.Integer({ minimum: 1 }),
      action: Type.Union([Type.Literal('apply'), Type.Literal('roll-back')]),
      edit: ConfigEdit,
      sha256Before: Digest,
      sha256After: Digest,
      by: By,
    }),
    reply: StepReport,
    timeoutMs: 3000,
  },
)

export const canaryTouched = defineCommand(
  'corro.command.config-manager.canary.{nodeId}',
  "Writes this node's canary row now.",
  {
    request: Type.Object({}),
    reply: Type.Object({ sequence: Type.Integer() }),
    timeoutMs: 5000,
  },
)
