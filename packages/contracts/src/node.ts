import { type Static, Type } from 'typebox'
import { defineHint } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { ActorId, Endpoint, NodeId, nullable, PublicKey, Region } from './values.ts'

/** `ready`: answers queries. `restarting`: away on purpose. `unreachable`: does not answer. */
export const AgentState = Type.Union([
  Type.Literal('ready'),
  Type.Literal('restarting'),
  Type.Literal('unreachable'),
])
export type AgentState = Static<typeof AgentState>

/** Where a node is in its life, as it says itself in node_configs. */
export const NodeState = Type.Union([
  Type.Literal('joining'),
  Type.Literal('active'),
  Type.Literal('draining'),
  Type.Literal('left'),
])
export type NodeState = Static<typeof NodeState>

export const AgentKind = Type.Union([Type.Literal('real'), Type.Literal('development')])
export type AgentKind = Static<typeof AgentKind>

/** `present`: announced within three seconds. `lost`: silent since. `unheard`: declared, never heard. */
export const Presence = Type.Union([
  Type.Literal('present'),
  Type.Literal('lost'),
  Type.Literal('unheard'),
])
export type Presence = Static<typeof Presence>

/** Said every second. Silent for three: the node is lost. With a dead agent: the agent is lost. */
export const nodeAnnounced = defineHint(
  'corro.hint.node.{nodeId}',
  'A node is here: who it is, where acknowledgements go, how its agent does.',
  Type.Object({
    nodeId: NodeId,
    instanceId: Type.String({ minLength: 1, maxLength: 64 }),
    region: Region,
    publicKey: PublicKey,
    endpoints: Type.Object({
      api: Endpoint,
      peer: Endpoint,
      gossip: nullable(Endpoint, { description: "as the agent's file says" }),
    }),
    state: NodeState,
    stateAt: Timestamp,
    version: Type.String({ maxLength: 64 }),
    agent: Type.Object({
      state: AgentState,
      stateSince: Timestamp,
      actorId: nullable(ActorId),
      url: Type.String({ maxLength: 260 }),
      kind: Type.Optional(AgentKind),
      version: Type.Optional(
        Type.String({ maxLength: 64, description: 'as its Prometheus figures say' }),
      ),
    }),
    startedAt: Timestamp,
    announcedAt: Timestamp,
  }),
)
export type NodeAnnounced = Static<typeof nodeAnnounced.schema>

/** A node whose last announcement is older than this is lost. Milliseconds. */
export const nodeLostAfterMs = 3000
