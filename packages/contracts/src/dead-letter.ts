import { type Static, Type } from 'typebox'
import { defineRecord } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { nullable } from './values.ts'

/** What a handler refused for ever. The original message is inside, so that it can be redriven. */
export const deadLettered = defineRecord(
  'corro.dead.{service}',
  'A record was refused for good, with the reason and the record itself.',
  Type.Object({
    service: Type.String(),
    durable: Type.String(),
    stream: Type.String(),
    sequence: Type.Integer(),
    subject: Type.String(),
    messageId: nullable(Type.String()),
    deliveries: Type.Integer(),
    reason: Type.String(),
    payload: Type.String({ description: 'base64 of the bytes that came, at most 512 KiB of them' }),
    sizeBytes: Type.Optional(Type.Integer({ description: 'of all that came' })),
    deadAt: Timestamp,
  }),
  (letter) => `dead.${letter.durable}.${letter.stream}.${letter.sequence}`,
)
export type DeadLettered = Static<typeof deadLettered.schema>
