import { type Static, Type } from 'typebox'
import { defineCommand, defineRecord } from './definition.ts'
import { NodeState } from './node.ts'
import { Timestamp } from './timestamp.ts'
import { ActorId, NodeId, nullable, PublicKey } from './values.ts'

/** `<node_id>_<ULID>`: it says who can be asked about it. */
export const OperationId = Type.String({ pattern: '^[a-zA-Z0-9_-]{1,64}_[0-9A-HJKMNP-TV-Z]{26}$' })

/** Who asked for it, for people: a name of a user, or `operator` where there are none. */
export const By = Type.String({ minLength: 1, maxLength: 200 })

export const OperationKind = Type.Union([
  Type.Literal('restart'),
  Type.Literal('rollback'),
  Type.Literal('restore'),
  Type.Literal('apply'),
  Type.Literal('join'),
  Type.Literal('leave'),
  Type.Literal('remove'),
  Type.Literal('wipe'),
])
export type OperationKind = Static<typeof OperationKind>

export const OperationStep = Type.Object({
  name: Type.String({ description: 'stop, start, http, subscription, seen-by-others …' }),
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('done'),
    Type.Literal('failed'),
    Type.Literal('skipped'),
  ]),
  detail: nullable(Type.String()),
  ms: nullable(Type.Number(), { description: 'null while it runs' }),
})
export type OperationStep = Static<typeof OperationStep>

/** Long work of one node. At most one runs on a node at a time. */
export const Operation = Type.Object({
  id: OperationId,
  kind: OperationKind,
  node_id: NodeId,
  by: By,
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('succeeded'),
    Type.Literal('failed'),
    Type.Literal('interrupted'),
  ]),
  reason: nullable(Type.String(), { description: 'why it failed' }),
  steps: Type.Array(OperationStep),
  started_at: Timestamp,
  finished_at: nullable(Timestamp),
})
export type Operation = Static<typeof Operation>

export const operationChanged = defineRecord(
  'corro.operation.changed.{nodeId}',
  'A step of a long piece of work on a node began or ended.',
  Type.Object({ nodeId: NodeId, version: Type.Integer(), at: Timestamp, operation: Operation }),
  (event) => `${event.operation.id}.${event.version}`,
)

export const operationQueried = defineCommand(
  'corro.command.config-manager.operation.{nodeId}',
  'One operation of a node, or its latest ones.',
  {
    request: Type.Object({ id: Type.Optional(OperationId) }),
    reply: Type.Object({ operations: Type.Array(Operation) }),
    timeoutMs: 2000,
  },
)

/** What every command that begins an operation answers: as it is just after its beginning. */
const begun = { reply: Type.Object({ operation: Operation }), timeoutMs: 5000 }

export const agentRestartRequested = defineCommand(
  'corro.command.config-manager.restart.{nodeId}',
  "Restarts the node's agent.",
  { request: Type.Object({ by: By, reason: Type.String({ maxLength: 500 }) }), ...begun },
)

export const configRollbackRequested = defineCommand(
  'corro.command.config-manager.rollback.{nodeId}',
  'Puts the previous configuration back and restarts the agent.',
  { request: Type.Object({ by: By }), ...begun },
)

export const configRestoreRequested = defineCommand(
  'corro.command.config-manager.restore.{nodeId}',
  'Puts the canonical configuration back and restarts the agent.',
  { request: Type.Object({ by: By }), ...begun },
)

export const joinRequested = defineCommand(
  'corro.command.config-manager.join.{nodeId}',
  'Makes this node a member of the cluster of these seeds.',
  {
    request: Type.Object({
      by: By,
      seeds: Type.Array(Type.String({ maxLength: 300 }), { minItems: 1, maxItems: 100 }),
      timeoutMs: Type.Integer({ minimum: 1000, maximum: 600_000 }),
    }),
    ...begun,
  },
)

export const leaveRequested = defineCommand(
  'corro.command.config-manager.leave.{nodeId}',
  'Drains this node and stops its agent; its data stays.',
  {
    request: Type.Object({
      by: By,
      timeoutMs: Type.Integer({ minimum: 1000, maximum: 600_000 }),
    }),
    ...begun,
  },
)

export const removeRequested = defineCommand(
  'corro.command.config-manager.remove.{nodeId}',
  'Asked of any active node: forgets another one, which has left.',
  {
    request: Type.Object({ by: By, memberNodeId: NodeId, force: Type.Boolean() }),
    ...begun,
  },
)

export const wipeRequested = defineCommand(
  'corro.command.config-manager.wipe.{nodeId}',
  "Deletes the database of this node's agent. Only of a node that has left, and by its typed name.",
  { request: Type.Object({ by: By, confirm: NodeId }), ...begun },
)

/** What one node's agent holds. A node is a member when others hold its row, and it theirs. */
export const nodeRowSeen = defineCommand(
  'corro.command.config-manager.row-seen.{nodeId}',
  "Whether this node's agent has the row of another node, and what else the two must agree on.",
  {
    request: Type.Object({
      nodeId: NodeId,
      actorId: nullable(ActorId, { description: 'null: whichever' }),
    }),
    reply: Type.Object({
      seen: Type.Boolean({ description: 'a row of that node with that actor' }),
      state: nullable(NodeState, { description: 'of the row; null without one' }),
      publicKey: nullable(PublicKey, { description: 'of the row' }),
      actorId: nullable(ActorId, { description: 'of the agent that was asked' }),
      clusterId: Type.Integer({ description: 'agents of different ids ignore each other' }),
      schema: Type.Record(Type.String(), Type.String(), {
        description: 'by replicated table, a digest of its columns',
      }),
      held: Type.Record(ActorId, Type.Number(), {
        description: 'by actor, the version up to which every version is held',
      }),
      clock: Timestamp,
    }),
    timeoutMs: 2000,
  },
)
export type NodeRowSeen = Static<typeof nodeRowSeen.reply>
