import { type Static, Type } from 'typebox'
import { Via } from './change.ts'
import { defineCommand } from './definition.ts'
import { Transport } from './message.ts'
import { Timestamp } from './timestamp.ts'
import { MessageId, NodeId, nullable } from './values.ts'

/** How often one node came to see states of one message, by its own clock. */
export const Reception = Type.Object({
  pk: MessageId,
  node_id: NodeId,
  origin_node_id: NodeId,
  transport: Transport,
  via: Type.Union([Via, Type.Literal('direct')]),
  reception_count: Type.Integer({
    description:
      'times this message was observed here: states of its row, or direct requests; gossip copies that changed nothing are not visible',
  }),
  first_seen: Timestamp,
  last_seen: Timestamp,
  acknowledgement: Type.Union([
    Type.Literal('owed'),
    Type.Literal('confirmed'),
    Type.Literal('given-up'),
  ]),
})
export type Reception = Static<typeof Reception>

export const receptionsQueried = defineCommand(
  'corro.command.ack-sender.receptions.{nodeId}',
  'Reception statistics of a node, last seen first.',
  {
    request: Type.Object({
      pk: Type.Optional(MessageId),
      min: Type.Integer({ minimum: 1 }),
      limit: Type.Integer({ minimum: 1, maximum: 1000 }),
    }),
    reply: Type.Object({ receptions: Type.Array(Reception), total: Type.Integer() }),
    timeoutMs: 2000,
  },
)

/** One step of the way an acknowledgement takes. */
export const DiagnosisStep = Type.Object({
  step: Type.String(),
  ok: Type.Boolean(),
  detail: Type.String(),
  durationMs: Type.Optional(Type.Number()),
})
export type DiagnosisStep = Static<typeof DiagnosisStep>

export const ackPathDiagnosed = defineCommand(
  'corro.command.ack-sender.diagnose.{nodeId}',
  "Tries every announced node's acknowledgement endpoint from this node.",
  {
    request: Type.Object({}),
    reply: Type.Object({
      owed: Type.Integer(),
      oldestOwedAt: nullable(Timestamp),
      steps: Type.Array(DiagnosisStep),
    }),
    timeoutMs: 6000,
  },
)

export const ackSenderStatusQueried = defineCommand(
  'corro.command.ack-sender.status.{nodeId}',
  'What an ack-sender still has to do.',
  {
    request: Type.Object({}),
    reply: Type.Object({
      unheard: Type.Integer({ description: 'records that its durable still holds for it' }),
      owed: Type.Integer({ description: 'acknowledgements that their origins have not confirmed' }),
      unpublished: Type.Integer({
        description: 'events in the outbox that NATS has not confirmed',
      }),
    }),
    timeoutMs: 2000,
  },
)

export const subscriberStatusQueried = defineCommand(
  'corro.command.subscriber.status.{nodeId}',
  'What a subscriber follows, and in which state.',
  {
    request: Type.Object({}),
    reply: Type.Object({
      tables: Type.Array(
        Type.Object({
          table: Type.String(),
          state: Type.String(),
          since: Timestamp,
          rows: Type.Integer(),
          lastChangeAt: nullable(Timestamp),
          lastChangeId: nullable(Type.Integer(), {
            description: 'up to here everything of the subscription was told',
          }),
          unpublished: Type.Integer({
            description: 'events in the outbox that NATS has not confirmed',
          }),
        }),
      ),
    }),
    timeoutMs: 2000,
  },
)
