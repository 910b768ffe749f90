import { type Static, Type } from 'typebox'
import { After } from './analytics.ts'
import { defineCommand } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable, oneLine } from './values.ts'

export const TableName = Type.String({
  maxLength: 200,
  pattern: oneLine,
  description: 'a line of text, without control characters',
})

/** Write → seen, of real traffic: no test message is needed. */
export const Propagation = Type.Object({
  table: Type.String(),
  origin_node_id: NodeId,
  node_id: NodeId,
  hour: Timestamp,
  n: Type.Integer(),
  negatives: Type.Integer(),
  without_clock: Type.Integer({ description: 'sights without a clock sample near enough' }),
  p50_ms: nullable(Type.Number()),
  p95_ms: nullable(Type.Number()),
  p99_ms: nullable(Type.Number()),
  max_ms: nullable(Type.Number()),
  bound_ms: nullable(Type.Number()),
  corrosion_p99_lag_ms: nullable(Type.Number(), {
    description:
      "the receiver's own figure at the end of the hour, wrong by the clocks' difference",
  }),
})
export type Propagation = Static<typeof Propagation>

export const propagationQueried = defineCommand(
  'corro.command.analytics.propagation',
  'How long rows of every table took from their writer to each node, by hour.',
  {
    request: Type.Object({
      table: Type.Optional(TableName),
      origin: Type.Optional(NodeId),
      node: Type.Optional(NodeId),
      sinceHours: Type.Number({ minimum: 0.1, maximum: 24 * 28 }),
      after: Type.Optional(After),
    }),
    reply: Type.Object({
      propagation: Type.Array(Propagation),
      next: nullable(Type.String(), { description: '`after` of the next page; null on the last' }),
    }),
    timeoutMs: 10_000,
  },
)
