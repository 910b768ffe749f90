import { type Static, Type } from 'typebox'
import { Via } from './change.ts'
import { defineRecord } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { ActorId, Endpoint, MessageId, NodeId, Region } from './values.ts'

/** `gossip`: a row through Corrosion. `direct`: a request straight over NATS. */
export const Transport = Type.Union([Type.Literal('gossip'), Type.Literal('direct')])
export type Transport = Static<typeof Transport>

/** The origin armed its tracker; nothing has left the node yet. */
export const messageSent = defineRecord(
  'corro.message.sent.{nodeId}',
  'The origin is about to send a message and waits for acknowledgements of the expected nodes.',
  Type.Object({
    nodeId: NodeId,
    messageId: MessageId,
    transport: Transport,
    region: Region,
    sizeBytes: Type.Integer({ minimum: 0 }),
    expected: Type.Array(Type.Object({ nodeId: NodeId, wasPresent: Type.Boolean() }), {
      description: 'who should acknowledge, and whether it was announced at this moment',
    }),
    sentAt: Timestamp,
  }),
  (message) => `sent.${message.messageId}`,
)
export type MessageSent = Static<typeof messageSent.schema>

/** The message is in Corrosion (or, for the direct transport, on NATS). Loss is counted over these. */
export const messageAccepted = defineRecord(
  'corro.message.accepted.{nodeId}',
  'The message was written: by the agent for gossip, to NATS for direct.',
  Type.Object({
    nodeId: NodeId,
    messageId: MessageId,
    transport: Transport,
    actorId: Type.Optional(ActorId),
    dbVersion: Type.Optional(Type.String({ description: 'decimal; absent when read back later' })),
    acceptedAt: Timestamp,
    wasReadBack: Type.Boolean({
      description: 'the answer of the agent was lost; the row was found by its key afterwards',
    }),
  }),
  (message) => `accepted.${message.messageId}`,
)

export const messageFailed = defineRecord(
  'corro.message.failed.{nodeId}',
  'The message was not written, and will not be.',
  Type.Object({
    nodeId: NodeId,
    messageId: MessageId,
    transport: Transport,
    reason: Type.String(),
    failedAt: Timestamp,
  }),
  (message) => `failed.${message.messageId}`,
)

/** A node that is not the origin has it: the receipt is committed. */
export const messageReceived = defineRecord(
  'corro.message.received.{nodeId}',
  'A message of another node reached this node for the first time.',
  Type.Object({
    nodeId: NodeId,
    messageId: MessageId,
    transport: Transport,
    originNodeId: NodeId,
    via: Type.Union([Via, Type.Literal('direct')]),
    receivedAt: Timestamp,
  }),
  (message) => `received.${message.nodeId}.${message.transport}.${message.messageId}`,
)
export type MessageReceived = Static<typeof messageReceived.schema>

/** A row names another endpoint than its node announced. It is acknowledged to the announced one. */
export const messageSuspected = defineRecord(
  'corro.message.suspected.{nodeId}',
  'A message row claims what its node never announced, or cannot be read as a message.',
  Type.Object({
    nodeId: NodeId,
    messageId: Type.String({ description: "the row's key, whatever it is" }),
    keyDigest: Type.String({ pattern: '^[A-Za-z0-9_-]+$' }),
    reason: Type.String(),
    claimedEndpoint: Type.Optional(Type.String()),
    announcedEndpoint: Type.Optional(Endpoint),
    suspectedAt: Timestamp,
  }),
  (message) => `suspected.${message.nodeId}.${message.keyDigest}`,
)
export type MessageSuspected = Static<typeof messageSuspected.schema>
