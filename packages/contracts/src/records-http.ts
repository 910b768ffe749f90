import { type Static, Type } from 'typebox'
import { answered } from './http.ts'
import { Timestamp } from './timestamp.ts'
import { nullable } from './values.ts'

// What still lies in the streams, and what was set aside there.

/** A record as its stream has it; what no parser knows is shown too. */
export const StoredRecord = Type.Object({
  stream: Type.String(),
  sequence: Type.Integer(),
  stored_at: Timestamp,
  subject: Type.String(),
  violation: nullable(Type.String(), {
    description: 'why the payload does not fit the contract of its subject',
  }),
  payload: Type.Unknown(),
})
export type StoredRecord = Static<typeof StoredRecord>

/** `GET /api/records?subjects=&since=&until=&limit=`: the newest of the time range, newest first. */
export const RecordsReply = Type.Object({
  records: Type.Array(StoredRecord),
  count: Type.Integer(),
  is_cut: Type.Boolean({ description: 'older ones of the range were left out by the limit' }),
  ...answered,
})
export type RecordsReply = Static<typeof RecordsReply>

/** What a handler refused for ever. */
export const DeadLetter = Type.Object({
  sequence: Type.Integer({ description: 'in the stream DEAD; names the letter' }),
  service: Type.String(),
  durable: Type.String(),
  stream: Type.String(),
  subject: Type.String(),
  reason: Type.String(),
  deliveries: Type.Integer(),
  dead_at: Timestamp,
  size_bytes: Type.Integer({ description: 'of the record that was refused' }),
  is_whole: Type.Boolean({
    description: 'else it cannot be redriven: a part was too large to keep',
  }),
  payload: nullable(Type.Unknown(), { description: 'as JSON; null: it is none' }),
  text: nullable(Type.String({ description: 'what is no JSON, as far as it is text' })),
})
export type DeadLetter = Static<typeof DeadLetter>

/** `GET /api/dead?before=&limit=`, newest first. */
export const DeadLettersReply = Type.Object({
  letters: Type.Array(DeadLetter),
  total: Type.Integer(),
  next: nullable(Type.Integer(), { description: '`before` of the next page; null on the last' }),
  ...answered,
})
export type DeadLettersReply = Static<typeof DeadLettersReply>

/** `GET /api/dead/{sequence}`. */
export const DeadLetterReply = Type.Object({ letter: DeadLetter, ...answered })
export type DeadLetterReply = Static<typeof DeadLetterReply>

/** `DELETE /api/dead/{sequence}`. */
export const DeadLetterDeletedReply = Type.Object({ status: Type.Literal('success'), ...answered })
export type DeadLetterDeletedReply = Static<typeof DeadLetterDeletedReply>

/** `POST /api/dead/{sequence}/redrive`: tells the record again, then takes the letter away. */
export const RedriveReply = Type.Object({
  status: Type.Literal('success'),
  subject: Type.String(),
  stored_as: Type.Object({ stream: Type.String(), sequence: Type.Integer() }),
  ...answered,
})
export type RedriveReply = Static<typeof RedriveReply>
