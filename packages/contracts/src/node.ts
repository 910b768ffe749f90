import { type Static, Type } from 'typebox'
import { defineHint } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { ActorId, Endpoint, NodeId, PublicKey, Region } from './values.ts'

/** `ready`: answers queries. `unreachable`: does not. */
export const AgentState = Type.Union([Type.Literal('ready'), Type.Literal('unreachable')])
export type AgentState = Static<typeof AgentState>

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
    }),
    version: Type.String({ maxLength: 64 }),
    agent: Type.Object({
      state: AgentState,
      stateSince: Timestamp,
      actorId: Type.Union([ActorId, Type.Null()]),
      url: Type.String({ maxLength: 260 }),
    }),
    startedAt: Timestamp,
    announcedAt: Timestamp,
  }),
)
export type NodeAnnounced = Static<typeof nodeAnnounced.schema>

/** A node whose last announcement is older than this is lost. Milliseconds. */
export const nodeLostAfterMs = 3000
