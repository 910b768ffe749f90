import { type Static, Type } from 'typebox'
import { Via } from './change.ts'
import { defineHint, defineRecord } from './definition.ts'
import { Transport } from './message.ts'
import { Timestamp } from './timestamp.ts'
import { Endpoint, MessageId, NodeId, nullable, Region } from './values.ts'

/** The direct transport's message: every other node acknowledges it over HTTP to the origin. */
export const ackRequested = defineHint(
  'corro.hint.ack.requested.{nodeId}',
  'The origin asks every node to acknowledge a message that travels over NATS alone.',
  Type.Object({
    originNodeId: NodeId,
    messageId: MessageId,
    content: Type.String(),
    region: Region,
    requestedAt: Timestamp,
  }),
)

const attempt = {
  nodeId: NodeId,
  messageId: MessageId,
  transport: Transport,
  originNodeId: NodeId,
  attempts: Type.Integer({ minimum: 0 }),
}

/** The origin answered 200. Told by the node that acknowledged. */
export const ackSent = defineRecord(
  'corro.ack.sent.{nodeId}',
  'The origin confirmed an acknowledgement of this node.',
  Type.Object({ ...attempt, endpoint: Endpoint, sentAt: Timestamp, confirmedAt: Timestamp }),
  (ack) => `ack-sent.${ack.nodeId}.${ack.transport}.${ack.messageId}`,
)

/** No more attempts will be made. */
export const ackFailed = defineRecord(
  'corro.ack.failed.{nodeId}',
  'An acknowledgement was given up: too old, or refused by the origin for good.',
  Type.Object({ ...attempt, reason: Type.String(), failedAt: Timestamp }),
  (ack) => `ack-failed.${ack.nodeId}.${ack.transport}.${ack.messageId}`,
)

/** Told by the origin, once for each message, acknowledging node and transport. */
export const ackReceived = defineRecord(
  'corro.ack.received.{nodeId}',
  'The origin stored an acknowledgement.',
  Type.Object({
    nodeId: NodeId,
    messageId: MessageId,
    transport: Transport,
    ackNodeId: NodeId,
    via: Type.Union([Via, Type.Literal('direct')]),
    attempts: Type.Integer({ minimum: 1 }),
    receivedAt: nullable(Timestamp, {
      description: "when the message was seen, by the acknowledging node's clock",
    }),
    sentAt: nullable(Timestamp, {
      description: "when the acknowledgement left, by the acknowledging node's clock",
    }),
    arrivedAt: Timestamp,
    roundTripMs: Type.Number({ description: "sent to arrived, by the origin's clock alone" }),
    roundTripClock: Type.Union([Type.Literal('monotonic'), Type.Literal('wall')]),
  }),
  (ack) => `ack-received.${ack.ackNodeId}.${ack.transport}.${ack.messageId}`,
)
export type AckReceived = Static<typeof ackReceived.schema>
