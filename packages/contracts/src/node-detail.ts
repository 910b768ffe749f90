import { type Static, type TSchema, Type } from 'typebox'
import { defineCommand } from './definition.ts'
import { answered, MessageDetail, NodeReply } from './http.ts'
import type { SightState } from './member.ts'
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

const matrix = <Value extends TSchema>(value: Value, description: string) =>
  Type.Array(Type.Array(value), { description })

/** `GET /api/cluster/round-trips`: what the SWIM of each node measured to each other one. */
export const RoundTripsReply = Type.Object({
  nodes: Type.Array(
    Type.Object({
      node_id: NodeId,
      region: nullable(Type.String()),
      age_ms: nullable(Type.Integer({ description: 'of what it said last; null: nothing yet' })),
      error: nullable(Type.String({ description: 'why its SWIM is not known' })),
    }),
  ),
  rtt_ms: matrix(
    nullable(Type.Number()),
    'a row for each node, in it a place for each node: the median of the newest, at most 20',
  ),
  samples: matrix(Type.Integer(), 'of how many that is the median'),
  not_alive: Type.Array(
    Type.Object({
      from: NodeId,
      state: Type.Union([
        Type.Literal('suspect'),
        Type.Literal('down'),
        Type.Literal('unlisted', { description: 'not known there' }),
      ]),
      to: Type.Array(NodeId),
    }),
    { description: 'whom the SWIM of a node does not have alive; of an unknown SWIM nothing' },
  ),
  mean_ms: nullable(Type.Number()),
  deviation_ms: nullable(Type.Number({ description: 'standard deviation' })),
  ...answered,
})
export type RoundTripsReply = Static<typeof RoundTripsReply>

/** One place of the matrix. */
export interface RoundTripLink {
  from: string
  to: string
  rttMs: number | null
  samples: number
  /** Null where the SWIM of `from` is not known. */
  state: SightState | null
}

/** All links but those from a node to itself, row by row. */
export function roundTripLinks({
  nodes,
  rtt_ms,
  samples,
  not_alive,
}: RoundTripsReply): RoundTripLink[] {
  const states = new Map(nodes.map(({ node_id }) => [node_id, new Map<string, SightState>()]))
  for (const { from, state, to } of not_alive) {
    for (const each of to) states.get(from)?.set(each, state)
  }
  return nodes.flatMap(({ node_id: from, error }, row) => {
    const stateOf = states.get(from)
    return nodes.flatMap(({ node_id: to }, column) => {
      if (row === column) return []
      const rttMs = rtt_ms[row]?.[column] ?? null
      const otherwise = rttMs === null && error !== null ? null : 'alive'
      const state = stateOf?.get(to) ?? otherwise
      return { from, to, rttMs, samples: samples[row]?.[column] ?? 0, state }
    })
  })
}

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
