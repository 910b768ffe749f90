import { type Static, Type } from 'typebox'
import { ConfigChange, ConfigEdit, ConfigFile } from './agent-config.ts'
import { answered } from './http.ts'
import { Operation } from './operation.ts'
import { Plan, Rollout } from './rollout.ts'
import { NodeId } from './values.ts'

// Bodies and answers of the routes that change a cluster. What is long answers 202 with an
// operation, whose progress is asked for at GET /api/cluster/operations/{id}.

const closed = { additionalProperties: false }

/** `POST /api/node/restart`. Without a body: this node. */
export const RestartRequest = Type.Object(
  { node_id: Type.Optional(NodeId), reason: Type.Optional(Type.String({ maxLength: 500 })) },
  closed,
)

/** 202 of everything that begins an operation, and 200 of `GET /api/cluster/operations/{id}`. */
export const OperationReply = Type.Object({ operation: Operation, ...answered })
export type OperationReply = Static<typeof OperationReply>

/** `GET /api/cluster/operations?node=`. */
export const OperationsReply = Type.Object({ operations: Type.Array(Operation), ...answered })
export type OperationsReply = Static<typeof OperationsReply>

/** `GET /api/config?node=&changes=`. */
export const ConfigReply = Type.Object({
  file: ConfigFile,
  changes: Type.Array(ConfigChange),
  ...answered,
})
export type ConfigReply = Static<typeof ConfigReply>

/** `POST /api/config/plan`. */
export const PlanRequest = Type.Object(
  {
    ...ConfigEdit.properties,
    nodes: Type.Union([Type.Literal('all'), Type.Array(NodeId, { minItems: 1, maxItems: 1000 })]),
  },
  closed,
)
export const PlanReply = Type.Object({ plan: Plan, ...answered })
export type PlanReply = Static<typeof PlanReply>

/** `POST /api/config/apply`. `confirm` is the id once more, so that no plan is applied by accident. */
export const ApplyRequest = Type.Object(
  { plan_id: Type.String({ maxLength: 128 }), confirm: Type.String({ maxLength: 128 }) },
  closed,
)

/** 202 of apply, 200 of `GET /api/config/rollouts/{id}` and of `POST …/{id}/pause|resume|abort`. */
export const RolloutReply = Type.Object({ rollout: Rollout, ...answered })
export type RolloutReply = Static<typeof RolloutReply>

/** `GET /api/config/rollouts`. */
export const RolloutsReply = Type.Object({ rollouts: Type.Array(Rollout), ...answered })
export type RolloutsReply = Static<typeof RolloutsReply>

/** `POST /api/config/rollback` and `POST /api/config/restore`. Without a body: this node. */
export const ConfigNodeRequest = Type.Object({ node_id: Type.Optional(NodeId) }, closed)

const timeout = { timeout_ms: Type.Optional(Type.Integer({ minimum: 1000, maximum: 600_000 })) }
const seed = Type.String({ minLength: 1, maxLength: 300 })

/** `POST /api/cluster/join`; `node` is one seed, as older clients send it. */
export const JoinRequest = Type.Object(
  {
    seeds: Type.Optional(Type.Array(seed, { minItems: 1, maxItems: 100 })),
    node: Type.Optional(seed),
    ...timeout,
  },
  closed,
)

/** `POST /api/cluster/leave`. `confirm` is the id of this node. */
export const LeaveRequest = Type.Object({ confirm: NodeId, ...timeout }, closed)

/** `POST /api/cluster/remove`. `confirm` is `node_id` once more. */
export const RemoveRequest = Type.Object(
  { node_id: NodeId, confirm: NodeId, force: Type.Optional(Type.Boolean()) },
  closed,
)

/** `POST /api/cluster/wipe`. `confirm` is the id of this node. */
export const WipeRequest = Type.Object({ confirm: NodeId }, closed)
