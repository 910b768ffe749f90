import { type Static, Type } from 'typebox'
import { defineCommand } from './definition.ts'
import { answered, MessageDetail, NodeReply } from './http.ts'
import { DiagnosisStep, Reception } from './reception.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

// One node, asked through any gateway; what other nodes know, gathered by one.

export const nodeDescribed = defineCommand(
  'corro.command.gateway.node.{nodeId}',
  'A node, with everything its gateway depends on.',
  { request: Type.Object({}), reply: NodeReply, timeoutMs: 3000 },
)

export const nodeDiagnosed = defineCommand(
  'corro.command.gateway.diagnose.{nodeId}',
  'The way of an acknowledgement from a node, step by step.',
  {
    request: Type.Object({}),
    reply: Type.Object({ steps: Type.Array(DiagnosisStep) }),
    timeoutMs: 8000,
  },
)

/** A file that an agent lives from. */
export const AgentFile = Type.Object({
  role: Type.Union([
    Type.Literal('config'),
    Type.Literal('database'),
    Type.Literal('wal'),
    Type.Literal('shm'),
    Type.Literal('binary'),
    Type.Literal('schema'),
    Type.Literal('admin-socket'),
  ]),
  path: Type.String(),
  exists: Type.Boolean(),
  size_bytes: nullable(Type.Integer()),
  modified_at: nullable(Timestamp),
  mode: nullable(Type.String({ description: 'as ls has it: -rw-r-----' })),
  error: nullable(Type.String()),
})
export type AgentFile = Static<typeof AgentFile>

/** A subscription as the agent keeps it; several clients of one query share it. */
export const AgentSubscription = Type.Object({
  id: Type.String(),
  hash: Type.String(),
  sql: Type.String({ description: 'its first 2000 characters' }),
})
export type AgentSubscription = Static<typeof AgentSubscription>

export const agentInspected = defineCommand(
  'corro.command.config-manager.inspect.{nodeId}',
  'Files and subscriptions of the agent of a node.',
  {
    request: Type.Object({}),
    reply: Type.Object({
      files: Type.Array(AgentFile),
      subscriptions: nullable(Type.Array(AgentSubscription), {
        description: 'the first 300; null where the admin socket does not answer',
      }),
      subscriptionsError: nullable(Type.String()),
    }),
    timeoutMs: 4000,
  },
)

/** `GET /api/nodes/{id}/agent`. */
export const AgentInspectionReply = Type.Object({
  inspected_node_id: NodeId,
  files: Type.Array(AgentFile),
  subscriptions: nullable(Type.Array(AgentSubscription)),
  subscriptions_error: nullable(Type.String()),
  ...answered,
})
export type AgentInspectionReply = Static<typeof AgentInspectionReply>

/** One cell of the matrix: what the SWIM of one node measured to another. */
export const RoundTrip = Type.Object({
  from: NodeId,
  to: NodeId,
  rtt_ms: nullable(Type.Number({ description: 'median of the newest, at most 20' })),
  samples: Type.Integer(),
  ring: nullable(Type.Integer()),
  state: nullable(Type.String({ description: 'alive, suspect, down; null: not known there' })),
})
export type RoundTrip = Static<typeof RoundTrip>

/** `GET /api/cluster/round-trips`. */
export const RoundTripsReply = Type.Object({
  nodes: Type.Array(
    Type.Object({
      node_id: NodeId,
      region: nullable(Type.String()),
      age_ms: nullable(Type.Integer({ description: 'of what it said last; null: nothing yet' })),
      error: nullable(Type.String({ description: 'why its SWIM is not known' })),
    }),
  ),
  round_trips: Type.Array(RoundTrip),
  mean_ms: nullable(Type.Number()),
  deviation_ms: nullable(Type.Number({ description: 'standard deviation' })),
  ...answered,
})
export type RoundTripsReply = Static<typeof RoundTripsReply>

/** `GET /api/messages/{pk}/life`: one message on every node. */
export const MessageLifeReply = Type.Object({
  message: nullable(MessageDetail, { description: 'null when its origin does not answer' }),
  message_error: nullable(Type.String()),
  nodes: Type.Array(
    Type.Object({
      node_id: NodeId,
      is_origin: Type.Boolean(),
      is_expected: Type.Boolean(),
      reception: nullable(Reception, { description: 'as its ack-sender keeps it, by its clock' }),
      row: Type.Union([
        Type.Literal('present', { description: "its agent has the message's row" }),
        Type.Literal('absent'),
        Type.Literal('unknown', { description: 'its agent was not asked or did not answer' }),
      ]),
      acknowledged_at: nullable(Timestamp, { description: "by the origin's clock" }),
      round_trip_ms: nullable(Type.Number()),
      waiting_ms: nullable(Type.Number(), {
        description: 'since it was sent, where its acknowledgement is missing',
      }),
      error: nullable(Type.String()),
    }),
  ),
  ...answered,
})
export type MessageLifeReply = Static<typeof MessageLifeReply>
