import { type Static, Type } from 'typebox'
import { Via } from './change.ts'
import type { Transport } from './message.ts'
import { Timestamp } from './timestamp.ts'
import { MessageId, NodeId } from './values.ts'

const signed = {
  ack_node_id: NodeId,
  origin_node_id: NodeId,
  receipt_timestamp: Timestamp,
  sent_timestamp: Timestamp,
  via: Type.Union([Via, Type.Literal('direct')]),
  attempts: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  signature: Type.String({ minLength: 86, maxLength: 86, pattern: '^[A-Za-z0-9_-]+$' }),
}

/** Body of `POST /api/acknowledge` (peer API): a row was seen. */
export const AcknowledgeRequest = Type.Object({ message_pk: MessageId, ...signed })
export type AcknowledgeRequest = Static<typeof AcknowledgeRequest>

/** Body of `POST /api/acknowledge_pubsub` (peer API): a direct request was heard. */
export const AcknowledgePubsubRequest = Type.Object({ request_id: MessageId, ...signed })
export type AcknowledgePubsubRequest = Static<typeof AcknowledgePubsubRequest>

export const AcknowledgeReply = Type.Object({
  status: Type.Literal('acknowledged'),
  message: Type.String(),
  ack_node_id: NodeId,
  message_pk: Type.Optional(MessageId),
  request_id: Type.Optional(MessageId),
  receipt_timestamp: Type.Optional(Timestamp),
  duplicate: Type.Boolean(),
})
export type AcknowledgeReply = Static<typeof AcknowledgeReply>

/** What an acknowledgement's signature is over. */
export interface SignedAcknowledgement {
  messageId: string
  ackNodeId: string
  originNodeId: string
  transport: Transport
  receivedAt: string
  sentAt: string
  via: string
  attempts: number
}

/** The signed bytes: one field a line, so that no two acknowledgements share them. */
export function acknowledgementText(ack: SignedAcknowledgement): string {
  return [
    'corroport-acknowledgement-1',
    JSON.stringify(ack.messageId),
    ack.ackNodeId,
    ack.originNodeId,
    ack.transport,
    ack.receivedAt,
    ack.sentAt,
    ack.via,
    ack.attempts,
  ].join('\n')
}
