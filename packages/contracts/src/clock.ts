import { type Static, Type } from 'typebox'
import { defineCommand, defineRecord } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

export const clockProbed = defineCommand(
  'corro.command.config-manager.clock.{nodeId}',
  "The node's clock, when the question came and when the answer left.",
  {
    request: Type.Object({}),
    reply: Type.Object({ heardAt: Timestamp, answeredAt: Timestamp }),
    timeoutMs: 2000,
  },
)

/**
 * What analytics knows of a node's clock. True offset lies in `offsetMs` ± `boundMs` at the time of
 * the sample; drift moves it between samples.
 */
export const clockSampled = defineRecord(
  'corro.clock.sampled.{nodeId}',
  'The clock of a node was compared with the one of analytics.',
  Type.Object({
    nodeId: NodeId,
    at: Timestamp,
    offsetMs: Type.Number({ description: 'its clock less the one of analytics' }),
    boundMs: Type.Number({ description: 'half of the round trip of the best probe' }),
    roundTripMs: Type.Number(),
    probes: Type.Integer({ description: 'of which the best was taken' }),
    driftPpm: nullable(Type.Number(), {
      description: 'µs a second that it gains on the one of analytics; null: not known yet',
    }),
  }),
  (sample) => `clock.${sample.nodeId}.${sample.at}`,
)
export type ClockSampled = Static<typeof clockSampled.schema>

export const ClockState = Type.Object({
  node_id: NodeId,
  state: Type.Union([
    Type.Literal('ok'),
    Type.Literal('alarm', { description: 'further away from another clock than Corrosion bears' }),
    Type.Literal('unknown', { description: 'not probed for a while' }),
  ]),
  offset_ms: nullable(Type.Number()),
  bound_ms: nullable(Type.Number()),
  drift_ppm: nullable(Type.Number()),
  round_trip_ms: nullable(Type.Number()),
  at: nullable(Timestamp),
  error: nullable(Type.String()),
})
export type ClockState = Static<typeof ClockState>

export const clocksQueried = defineCommand(
  'corro.command.analytics.clocks',
  'The clocks of all nodes, and the history of one of them.',
  {
    request: Type.Object({
      nodeId: Type.Optional(NodeId),
      sinceHours: Type.Optional(Type.Number({ minimum: 0.01, maximum: 24 * 28 })),
    }),
    reply: Type.Object({
      reference: Type.String({ description: 'whose clock is 0' }),
      clocks: Type.Array(ClockState),
      history: Type.Array(clockSampled.schema, { maxItems: 2000 }),
    }),
    timeoutMs: 3000,
  },
)
