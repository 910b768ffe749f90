import { type Static, Type } from 'typebox'
import { HealthCheck } from './health.ts'
import { Transport } from './message.ts'
import { AgentKind, AgentState, Presence } from './node.ts'
import { DiagnosisStep, Reception } from './reception.ts'
import { Timestamp } from './timestamp.ts'
import { MessageId, NodeId, nullable } from './values.ts'

/** The end of each answer: whose it is, and of when. */
export const answered = { node_id: NodeId, timestamp: Timestamp }

/** RFC 9457, with the `error` and `timestamp` that the original's clients read. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  error: Type.String(),
  timestamp: Timestamp,
  errors: Type.Optional(Type.Array(Type.Object({ path: Type.String(), message: Type.String() }))),
})
export type Problem = Static<typeof Problem>

export const SendRequest = Type.Object(
  { content: Type.String({ minLength: 1 }) },
  { additionalProperties: false },
)
export type SendRequest = Static<typeof SendRequest>

export const SendReply = Type.Object({
  status: Type.Literal('success'),
  message: Type.Object({
    pk: MessageId,
    timestamp: Timestamp,
    node_id: NodeId,
    sequence: Type.Integer({ description: 'Unix milliseconds' }),
    transport: Transport,
    expected: Type.Array(NodeId),
  }),
  ...answered,
})
export type SendReply = Static<typeof SendReply>

/** A row of node_messages, as this node's agent has it now. */
export const MessageSummary = Type.Object({
  pk: Type.String(),
  node_id: Type.String(),
  message: Type.String(),
  sequence: Type.Integer(),
  timestamp: Type.String(),
  originating_endpoint: Type.String(),
  region: Type.String(),
})
export type MessageSummary = Static<typeof MessageSummary>

export const MessagesReply = Type.Object({
  messages: Type.Array(MessageSummary),
  count: Type.Integer(),
  next: nullable(Type.String(), {
    description: 'value of `before` for the next page; null on the last',
  }),
  ...answered,
})
export type MessagesReply = Static<typeof MessagesReply>

export const Acknowledgement = Type.Object({
  node_id: NodeId,
  round_trip_ms: Type.Number(),
  acknowledged_at: Timestamp,
  received_at: nullable(Timestamp, {
    description: "the acknowledging node's clock",
  }),
  via: Type.String(),
  attempts: Type.Integer(),
})
export type Acknowledgement = Static<typeof Acknowledgement>

/** What the origin knows of one message. */
export const MessageDetail = Type.Object({
  pk: MessageId,
  node_id: NodeId,
  transport: Transport,
  status: Type.Union([Type.Literal('sent'), Type.Literal('accepted'), Type.Literal('failed')]),
  reason: nullable(Type.String()),
  sent_at: Timestamp,
  accepted_at: nullable(Timestamp),
  expected: Type.Array(Type.Object({ node_id: NodeId, was_present: Type.Boolean() })),
  acks: Type.Array(Acknowledgement),
  missing: Type.Array(NodeId),
})
export type MessageDetail = Static<typeof MessageDetail>

export const MessageDetailReply = Type.Intersect([
  MessageDetail,
  Type.Object({ timestamp: Timestamp }),
])
export type MessageDetailReply = Static<typeof MessageDetailReply>

export const ReceptionsReply = Type.Object({
  receptions: Type.Array(Reception),
  count: Type.Integer(),
  total: Type.Integer(),
  ...answered,
})
export type ReceptionsReply = Static<typeof ReceptionsReply>

export const NodeSummary = Type.Object({
  node_id: NodeId,
  is_local: Type.Boolean(),
  is_declared: Type.Boolean(),
  presence: Presence,
  announced_at: nullable(Timestamp),
  age_ms: nullable(Type.Integer()),
  region: nullable(Type.String()),
  actor_id: nullable(Type.String()),
  agent_state: nullable(AgentState),
  agent_kind: nullable(AgentKind, { description: 'null: it was not told' }),
  agent_version: nullable(Type.String()),
  api_endpoint: nullable(Type.String()),
  peer_endpoint: nullable(Type.String()),
  version: nullable(Type.String()),
})
export type NodeSummary = Static<typeof NodeSummary>

export const NodesReply = Type.Object({
  nodes: Type.Array(NodeSummary),
  ...answered,
})
export type NodesReply = Static<typeof NodesReply>

/** The local node, with everything its gateway depends on. */
export const NodeReply = Type.Object({
  node_id: NodeId,
  region: Type.String(),
  version: Type.String(),
  started_at: Timestamp,
  agent: Type.Object({
    url: Type.String(),
    state: AgentState,
    actor_id: nullable(Type.String()),
    answered_in_ms: nullable(Type.Number()),
    error: nullable(Type.String()),
  }),
  subscriptions: nullable(
    Type.Array(
      Type.Object({
        table: Type.String(),
        state: Type.String(),
        since: Timestamp,
        rows: Type.Integer(),
        last_change_at: nullable(Timestamp),
      }),
    ),
    { description: 'null when the subscriber did not answer' },
  ),
  tracked_messages: Type.Integer(),
  checks: Type.Array(HealthCheck),
  timestamp: Timestamp,
})
export type NodeReply = Static<typeof NodeReply>

export const ResetReply = Type.Object({
  status: Type.Literal('success'),
  forgotten: Type.Integer(),
  ...answered,
})
export type ResetReply = Static<typeof ResetReply>

export const DiagnosisReply = Type.Object({
  steps: Type.Array(DiagnosisStep),
  ...answered,
})
export type DiagnosisReply = Static<typeof DiagnosisReply>
