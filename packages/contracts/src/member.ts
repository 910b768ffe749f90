import { type Static, Type } from 'typebox'
import { defineHint, defineRecord } from './definition.ts'
import { answered } from './http.ts'
import { AgentKind, AgentState, NodeState, Presence } from './node.ts'
import { Timestamp } from './timestamp.ts'
import { ActorId, NodeId, nullable } from './values.ts'

export const SwimState = Type.Union([
  Type.Literal('alive'),
  Type.Literal('suspect'),
  Type.Literal('down'),
])
export type SwimState = Static<typeof SwimState>

/** Another agent, as one agent's SWIM has it. An agent never lists itself. */
export const SwimMember = Type.Object({
  actorId: ActorId,
  address: Type.String({ description: 'gossip ip:port' }),
  state: SwimState,
  incarnation: nullable(Type.Integer()),
  identifiedAt: nullable(Type.String({ description: 'NTP64, decimal' })),
  ring: nullable(Type.Integer({ description: '0 (below 6 ms) to 5 (above 200 ms)' })),
  rttsMs: Type.Array(Type.Number(), { maxItems: 20, description: 'newest first' }),
  lastSyncAt: nullable(Timestamp),
})
export type SwimMember = Static<typeof SwimMember>

/** A node that the configuration or DNS names. */
export const DeclaredNode = Type.Object({
  nodeId: nullable(NodeId),
  address: nullable(Type.String({ description: 'gossip ip:port or ip' })),
  region: nullable(Type.String()),
})
export type DeclaredNode = Static<typeof DeclaredNode>

/** Whether canaries of another node arrive here while NATS hears that node. */
export const LinkState = Type.Union([
  Type.Literal('ok'),
  Type.Literal('partitioned?'),
  Type.Literal('unknown', {
    description: 'NATS does not hear it, its agent is lost, or canaries are off',
  }),
])
export type LinkState = Static<typeof LinkState>

/** What one node sees of the cluster, said each second. */
export const nodeViewed = defineHint(
  'corro.hint.view.{nodeId}',
  'What a node sees of the others: SWIM, versions, canaries, and who is declared.',
  Type.Object({
    nodeId: NodeId,
    at: Timestamp,
    swim: Type.Object({
      source: Type.Union([
        Type.Literal('admin-socket'),
        Type.Literal('table', { description: '__corro_members, refreshed each minute' }),
        Type.Literal('none'),
      ]),
      takenAt: nullable(Timestamp),
      error: nullable(Type.String()),
      members: Type.Array(SwimMember),
    }),
    sync: nullable(
      Type.Object({
        heads: Type.Record(ActorId, Type.Number()),
        neededVersions: Type.Number({ description: 'versions that it knows of and has not' }),
        partialActors: Type.Integer(),
        takenAt: Timestamp,
      }),
    ),
    replication: nullable(
      Type.Object({
        gaps: Type.Integer(),
        p99LagSeconds: nullable(
          Type.Number({ description: 'null: nothing came from others for two minutes' }),
        ),
        queueSize: nullable(Type.Integer({ description: 'null: the agent does not tell' })),
        takenAt: Timestamp,
      }),
    ),
    canaries: Type.Array(
      Type.Object({
        nodeId: NodeId,
        sequence: Type.Integer({ description: '0: none came yet; its own entry: as written' }),
        ageMs: Type.Number({ description: 'since its last change was seen here' }),
        link: LinkState,
      }),
    ),
    canaryIntervalMs: nullable(Type.Number({ description: 'null: switched off' })),
    declared: Type.Object({
      source: Type.Union([Type.Literal('static'), Type.Literal('dns'), Type.Literal('registry')]),
      nodes: Type.Array(DeclaredNode),
      takenAt: nullable(Timestamp),
      error: nullable(Type.String({ description: 'then the nodes are those of the last answer' })),
    }),
  }),
)
export type NodeViewed = Static<typeof nodeViewed.schema>

/** What became of a member, as one node sees it. */
export const memberChanged = defineRecord(
  'corro.member.changed.{nodeId}',
  'A node sees another one come, go, or change on one plane.',
  Type.Object({
    nodeId: NodeId,
    plane: Type.Union([Type.Literal('swim'), Type.Literal('nats'), Type.Literal('agent')]),
    memberNodeId: nullable(NodeId),
    memberActorId: nullable(ActorId),
    address: nullable(Type.String()),
    from: nullable(Type.String()),
    to: Type.String({ description: 'alive, suspect, down; present, lost; ready, unreachable …' }),
    at: Timestamp,
  }),
  (event) =>
    `member.${event.nodeId}.${event.plane}.${event.memberNodeId}.${event.memberActorId}.${event.at}`,
)

export const partitionSuspected = defineRecord(
  'corro.partition.suspected.{nodeId}',
  "Another node's canaries stopped arriving here while NATS hears that node.",
  Type.Object({ nodeId: NodeId, memberNodeId: NodeId, at: Timestamp, silentMs: Type.Number() }),
  (event) => `partition-suspected.${event.nodeId}.${event.memberNodeId}.${event.at}`,
)

export const partitionHealed = defineRecord(
  'corro.partition.healed.{nodeId}',
  "Another node's canaries arrive here again.",
  Type.Object({ nodeId: NodeId, memberNodeId: NodeId, at: Timestamp, lastedMs: Type.Number() }),
  (event) => `partition-healed.${event.nodeId}.${event.memberNodeId}.${event.at}`,
)

export const nodeStateChanged = defineRecord(
  'corro.member.moved.{nodeId}',
  'A node is joining, active, draining or has left; told by itself.',
  Type.Object({
    nodeId: NodeId,
    from: nullable(NodeState),
    to: NodeState,
    reason: Type.String(),
    at: Timestamp,
  }),
  (event) => `member-moved.${event.nodeId}.${event.at}`,
)

export const memberRemoved = defineRecord(
  'corro.member.removed.{nodeId}',
  'A node forgot another one for good: nobody waits for it any more.',
  Type.Object({ nodeId: NodeId, memberNodeId: NodeId, by: Type.String(), at: Timestamp }),
  (event) => `member-removed.${event.memberNodeId}.${event.at}`,
)

/** Repeated, so that whoever was away learns of it. Who is heard again, and has not left, is back. */
export const membersRemoved = defineHint(
  'corro.hint.removed.{nodeId}',
  'Nodes that were removed and have not come back, as this node knows them.',
  Type.Object({
    nodeId: NodeId,
    removed: Type.Array(
      Type.Object({
        nodeId: NodeId,
        actorIds: Type.Array(ActorId, {
          maxItems: 16,
          description: 'of its databases; SWIM remembers them as down for two days',
        }),
      }),
      { maxItems: 1000 },
    ),
  }),
)

/** How the SWIM of a node has another one. */
export const SightState = Type.Union([SwimState, Type.Literal('unlisted')])
export type SightState = Static<typeof SightState>

/** One node, merged from all sources by its identity. */
export const ClusterMember = Type.Object({
  node_id: nullable(NodeId),
  actor_id: nullable(ActorId),
  former_actor_ids: Type.Array(ActorId, { description: 'of databases that were wiped' }),
  gossip_address: nullable(Type.String()),
  region: nullable(Type.String()),
  is_local: Type.Boolean(),
  state: nullable(NodeState),
  declared: Type.Object({ is_declared: Type.Boolean(), source: nullable(Type.String()) }),
  nats: Type.Object({ presence: Presence, age_ms: nullable(Type.Integer()) }),
  agent: Type.Object({
    state: nullable(AgentState),
    since: nullable(Timestamp),
    kind: nullable(AgentKind, { description: 'null: it was not told' }),
    version: nullable(Type.String()),
  }),
  swim: Type.Object({
    state: nullable(SwimState),
    source: nullable(Type.String()),
    age_ms: nullable(Type.Integer()),
    incarnation: nullable(Type.Integer()),
    ring: nullable(Type.Integer()),
    rtts_ms: Type.Array(Type.Number()),
    last_sync_at: nullable(Timestamp),
    seen_by: Type.Object(
      {
        alive: Type.Integer(),
        suspect: Type.Integer(),
        down: Type.Integer(),
        unlisted: Type.Integer(),
      },
      { description: 'how many other nodes, of those that tell what their SWIM has, see it so' },
    ),
  }),
  link: Type.Object({
    state: LinkState,
    canary_age_ms: nullable(Type.Integer()),
    partitioned_from: Type.Array(NodeId, { description: 'nodes that miss its canaries' }),
  }),
  is_agreed: Type.Boolean(),
})
export type ClusterMember = Static<typeof ClusterMember>

export const Disagreement = Type.Object({
  node_id: nullable(NodeId),
  actor_id: nullable(ActorId),
  kind: Type.String({ description: 'declared-unheard, swim-down-nats-up, swim-alive-nats-lost …' }),
  detail: Type.String(),
})
export type Disagreement = Static<typeof Disagreement>

export const MembersReply = Type.Object({
  members: Type.Array(ClusterMember),
  disagreements: Type.Array(Disagreement),
  sources: Type.Object({
    declared: Type.Object({
      source: Type.String(),
      count: Type.Integer(),
      age_ms: nullable(Type.Integer()),
      error: nullable(Type.String()),
    }),
    swim: Type.Object({
      source: Type.String(),
      count: Type.Integer(),
      age_ms: nullable(Type.Integer()),
      error: nullable(Type.String()),
    }),
    nats: Type.Object({ connected: Type.Boolean(), count: Type.Integer() }),
  }),
  ...answered,
})
export type MembersReply = Static<typeof MembersReply>

export const Sight = Type.Object({
  node_id: NodeId,
  state: nullable(SightState, { description: 'null: it did not tell lately what its SWIM has' }),
})
export type Sight = Static<typeof Sight>

/** `GET /api/cluster/members/{id}/sights`: how every other node sees one member. */
export const SightsReply = Type.Object({
  seen_node_id: NodeId,
  sights: Type.Array(Sight, { description: 'of the answering node first' }),
  ...answered,
})
export type SightsReply = Static<typeof SightsReply>
