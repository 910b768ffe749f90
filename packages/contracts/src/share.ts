import { type Static, Type } from 'typebox'
import { maxContentBytes } from './content-size.ts'
import { defineCommand, defineRecord } from './definition.ts'
import { ExperimentId, Transport } from './message.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

/** What one origin sends of an experiment. */
export const Share = Type.Object({
  node_id: NodeId,
  state: Type.Union([
    Type.Literal('waiting', { description: 'its gateway has not confirmed the order yet' }),
    Type.Literal('running'),
    Type.Literal('ended'),
    Type.Literal('lost', { description: 'its gateway does not answer, or knows nothing of it' }),
  ]),
  planned: Type.Integer(),
  sent: Type.Integer({ description: 'armed: accepted, failed, or not known yet' }),
  failed: Type.Integer(),
  skipped: Type.Integer({ description: 'their time passed while nothing could send them' }),
  reason: nullable(Type.String()),
})
export type Share = Static<typeof Share>

/**
 * An origin's part. Slot k of `slots` is sent by origin k mod `origins`, at start + k × interval. In
 * its rounds an origin goes through the transports in pairs, in an order that the seed decides.
 */
export const ShareOrder = Type.Object({
  experimentId: ExperimentId,
  transports: Type.Array(Transport, { minItems: 1, maxItems: 2 }),
  slots: Type.Integer({ minimum: 0, maximum: 2_000_000, description: '0: until it is stopped' }),
  origin: Type.Integer({ minimum: 0, description: 'which one this is' }),
  origins: Type.Integer({ minimum: 1 }),
  intervalMs: Type.Number({ minimum: 1 }),
  payloadBytes: Type.Integer({ minimum: 1, maximum: maxContentBytes }),
  warmupSlots: Type.Integer({ minimum: 0 }),
  seed: Type.Integer({ minimum: 0 }),
  startsInMs: Type.Integer({ minimum: 0, maximum: 60_000 }),
})
export type ShareOrder = Static<typeof ShareOrder>

export const shareOrdered = defineCommand(
  'corro.command.gateway.order-share.{nodeId}',
  'Sends a share of an experiment from now on. Ordered twice, it is sent once.',
  {
    request: ShareOrder,
    reply: Type.Object({ share: Share }),
    timeoutMs: 3000,
  },
)

export const shareStopped = defineCommand(
  'corro.command.gateway.stop-share.{nodeId}',
  'Sends no more of an experiment.',
  {
    request: Type.Object({ experimentId: ExperimentId, reason: Type.String({ maxLength: 500 }) }),
    reply: Type.Object({ share: nullable(Share) }),
    timeoutMs: 3000,
  },
)

export const shareQueried = defineCommand(
  'corro.command.gateway.share.{nodeId}',
  'How far an origin is with its share. Null when it knows nothing of it.',
  {
    request: Type.Object({ experimentId: ExperimentId }),
    reply: Type.Object({ share: nullable(Share) }),
    timeoutMs: 2000,
  },
)

export const shareEnded = defineRecord(
  'corro.share.ended.{nodeId}',
  'An origin sends no more of an experiment.',
  Type.Object({ nodeId: NodeId, experimentId: ExperimentId, share: Share, at: Timestamp }),
  ({ nodeId, experimentId }) => `share-ended.${nodeId}.${experimentId}`,
)
