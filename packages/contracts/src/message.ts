import { type Static, Type } from 'typebox'
import { Via } from './change.ts'
import { defineRecord } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { ActorId, Endpoint, MessageId, NodeId, nullable, Region } from './values.ts'

/** `gossip`: a row through Corrosion. `direct`: a request straight over NATS. */
export const Transport = Type.Union([Type.Literal('gossip'), Type.Literal('direct')])
export type Transport = Static<typeof Transport>

/** Becomes a token of subjects, and part of a path: `/api/experiments/compare` is another page. */
export const ExperimentId = Type.String({
  pattern: '^(?!compare$)[a-zA-Z0-9_-]{1,64}$',
  description: 'letters, digits, - and _, 64 at most, and not the word compare',
})

/** Where a message stands in the experiment that it was sent for. */
export const ExperimentSlot = Type.Object({
  id: ExperimentId,
  number: Type.Integer({ minimum: 0, description: 'its slot in the plan of the experiment' }),
  isWarmup: Type.Boolean(),
  intendedAt: nullable(Timestamp, { description: 'null where no time was planned' }),
  delayMs: Type.Number({ description: 'sent less intended, by the monotonic clock' }),
})
export type ExperimentSlot = Static<typeof ExperimentSlot>

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
    experiment: Type.Optional(ExperimentSlot),
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
    tookMs: nullable(Type.Number(), {
      description: 'armed to accepted, by the monotonic clock; null where it was read back',
    }),
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

/** Planned messages whose time passed while their origin could not send them. */
export const messagesSkipped = defineRecord(
  'corro.message.skipped.{nodeId}',
  'Messages of an experiment were not sent, and will not be.',
  Type.Object({
    nodeId: NodeId,
    experimentId: ExperimentId,
    transport: Transport,
    numbers: Type.Array(Type.Integer({ minimum: 0 }), {
      minItems: 1,
      maxItems: 1000,
      description: 'their slots in the plan',
    }),
    reason: Type.String(),
    at: Timestamp,
  }),
  (event) => `skipped.${event.experimentId}.${event.nodeId}.${event.transport}.${event.numbers[0]}`,
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
