import { type Static, Type } from 'typebox'
import { nullable } from './values.ts'

/** One `data:` of `GET /api/events` whose name is that of an event, such as `ack.received`. */
export const LiveEvent = Type.Object({
  subject: Type.String(),
  cursor: nullable(Type.String(), { description: 'null for hints' }),
  at: Type.Optional(
    Type.String({ description: "the server's time of a record, as NATS stored it: RFC 3339" }),
  ),
  violation: Type.Optional(
    Type.String({ description: 'why the payload does not fit the contract of its subject' }),
  ),
  payload: Type.Unknown(),
})
export type LiveEvent = Static<typeof LiveEvent>

/**
 * The other names of `GET /api/events`, whose `data:` is this:
 *
 * - `status`, each second and with each change where `status=true` was asked for: a `ClusterStatus`;
 * - `gap`: records that are gone, `{stream, reason}`;
 * - `skipped`: events above `rate`, `{count}`, at most once a second;
 * - `away` and `back`: whether records can be read, `{reason}`; a reader waits, and resumes then;
 * - `denied`: the right to read ended, `{reason}`; the stream ends;
 * - `dropped`: the reader is too slow, `{reason}`; the stream ends.
 *
 * A comment `: alive` comes each second.
 */
export const LiveNotice = Type.Object({
  stream: Type.Optional(Type.String()),
  reason: Type.Optional(Type.String()),
  count: Type.Optional(Type.Integer()),
})
export type LiveNotice = Static<typeof LiveNotice>

/** Those whose `data:` is a `LiveNotice`. */
export const liveNotices = ['gap', 'skipped', 'away', 'back', 'denied', 'dropped'] as const
export type LiveNoticeName = (typeof liveNotices)[number]
