import { type Static, Type } from 'typebox'
import { SchemaState } from './analytics-store.ts'
import { defineRecord } from './definition.ts'
import { Disagreement } from './member.ts'
import { NodeState, Presence } from './node.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

/** `unknown`: the last look is older than twice its period, or there was none. */
export const PlaneState = Type.Union([
  Type.Literal('ok'),
  Type.Literal('degraded'),
  Type.Literal('unavailable'),
  Type.Literal('unknown'),
  Type.Literal('none', { description: 'not configured' }),
])
export type PlaneState = Static<typeof PlaneState>

const part = { state: PlaneState, age_ms: nullable(Type.Integer()), error: nullable(Type.String()) }

export const ReplicationFactor = Type.Object({
  dataset: Type.String({ description: 'corrosion, a stream, postgres' }),
  wanted: Type.Integer(),
  effective: nullable(Type.Integer()),
  at_risk: Type.Boolean({ description: 'one more loss would stop it or lose it' }),
})

/** A vector, not one boolean: the planes fail independently. Each part says how old it is. */
export const ClusterStatus = Type.Object({
  node: Type.Object({
    id: NodeId,
    version: Type.String(),
    started_at: Timestamp,
    state: nullable(NodeState),
    region: Type.String(),
  }),
  overall: Type.Union([Type.Literal('ok'), Type.Literal('degraded'), Type.Literal('unavailable')]),
  observed_at: Timestamp,
  planes: Type.Object({
    corrosion: Type.Object({
      ...part,
      agent: Type.Union([
        Type.Literal('reachable'),
        Type.Literal('unreachable'),
        Type.Literal('unknown'),
      ]),
      actor_id: nullable(Type.String()),
      cluster_id: nullable(Type.Integer()),
      members: Type.Object({
        expected: Type.Integer({ description: 'declared and announced, less the removed' }),
        alive: nullable(Type.Integer({ description: 'this node included' })),
        suspect: nullable(Type.Integer()),
        down: nullable(Type.Integer()),
        source: nullable(Type.String()),
        age_ms: nullable(Type.Integer()),
      }),
      replication: Type.Object({
        gaps: nullable(Type.Integer()),
        p99_lag_s: nullable(Type.Number()),
        queue: nullable(Type.Integer()),
        heads: nullable(Type.Integer({ description: 'actors of which versions are held' })),
        needed_versions: nullable(Type.Integer()),
        age_ms: nullable(Type.Integer()),
      }),
      subscriptions: Type.Array(
        Type.Object({
          table: Type.String(),
          state: Type.String(),
          since: nullable(Timestamp),
          last_change_at: nullable(Timestamp),
          last_change_id: nullable(Type.Integer()),
        }),
      ),
    }),
    nats: Type.Object({
      ...part,
      connected_to: nullable(Type.String()),
      round_trip_ms: nullable(Type.Number()),
      monitor: Type.Object(
        {
          server: nullable(Type.String()),
          age_ms: nullable(Type.Integer()),
          error: nullable(Type.String()),
        },
        {
          description:
            'whose monitoring endpoint told cluster, routes and meta_*; else they are null',
        },
      ),
      cluster: nullable(Type.String({ description: 'its name; null where one server runs alone' })),
      routes: nullable(
        Type.Object({
          expected: Type.Integer({
            description: 'to every other server, also to one that is away',
          }),
          up: Type.Integer(),
        }),
      ),
      jetstream: Type.Object({
        meta_leader: nullable(
          Type.String({ description: 'null: none in sight, or one server runs alone' }),
        ),
        meta_size: nullable(Type.Integer()),
        meta_quorum: nullable(Type.Boolean({ description: 'more than half are in sight' })),
        is_writable: nullable(Type.Boolean({ description: 'a real acknowledgement came' })),
        streams: Type.Array(
          Type.Object({
            name: Type.String(),
            exists: Type.Boolean(),
            leader: nullable(Type.String()),
            replicas: Type.Object({
              want: Type.Integer(),
              have: Type.Integer(),
              current: Type.Integer(),
            }),
            max_lag: nullable(Type.Integer()),
            messages: nullable(Type.Integer()),
          }),
        ),
      }),
      outbox: Type.Object({
        unconfirmed: Type.Integer({ description: 'events of this gateway that wait for NATS' }),
      }),
    }),
    postgres: Type.Object({
      ...part,
      role: Type.Union([
        Type.Literal('primary'),
        Type.Literal('standby'),
        Type.Literal('none'),
        Type.Literal('unknown'),
      ]),
      latency_ms: nullable(Type.Number()),
      version: nullable(Type.String()),
      replicas: Type.Array(
        Type.Object({
          name: Type.String(),
          state: Type.String(),
          sync: Type.String(),
          replay_lag_ms: nullable(Type.Number()),
        }),
      ),
      pool: nullable(
        Type.Object(
          { size: Type.Integer(), idle: Type.Integer(), waiting: Type.Integer() },
          { description: 'connections of this gateway; null without Postgres' },
        ),
      ),
      migrations: nullable(SchemaState, { description: 'null where no analytics answers' }),
    }),
  }),
  replication: Type.Array(ReplicationFactor),
  members: Type.Array(
    Type.Object({
      node_id: NodeId,
      corrosion: nullable(Type.String()),
      nats: Presence,
      app: nullable(NodeState),
      heard_age_ms: nullable(Type.Integer()),
      is_agreed: Type.Boolean(),
    }),
  ),
  disagreements: Type.Array(Disagreement),
})
export type ClusterStatus = Static<typeof ClusterStatus>

/** A node looks at each source each second, so a subject changes at most once in that time. */
export const clusterChanged = defineRecord(
  'corro.cluster.changed.{nodeId}',
  'What a node sees of the planes changed: a state, a leader, a quorum, the role of Postgres.',
  Type.Object({
    nodeId: NodeId,
    what: Type.Union([
      Type.Literal('overall'),
      Type.Literal('plane'),
      Type.Literal('jetstream-writable', { description: 'true or false' }),
      Type.Literal('stream-leader'),
      Type.Literal('stream-quorum', { description: 'held; lost: nobody answers for the stream' }),
      Type.Literal('postgres-role'),
    ]),
    subject: Type.String({ description: 'the plane or the stream' }),
    from: Type.String(),
    to: Type.String(),
    at: Timestamp,
  }),
  ({ nodeId, what, subject, at }) => `cluster-changed.${nodeId}.${what}.${subject}.${at}`,
)
export type ClusterChanged = Static<typeof clusterChanged.schema>
