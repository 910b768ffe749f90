import { type Static, Type } from 'typebox'
import { nullable } from './values.ts'

/** What a page may want of `GET /api/events?topics=`, and the subjects of each. */
export const liveTopics = {
  messages: ['corro.message.>', 'corro.ack.>'],
  changes: ['corro.change.>'],
  cluster: [
    'corro.member.>',
    'corro.cluster.>',
    'corro.lifecycle.>',
    'corro.subscription.>',
    'corro.partition.>',
  ],
  operations: [
    'corro.operation.>',
    'corro.rollout.>',
    'corro.config.>',
    'corro.audit.>',
    'corro.dead.>',
  ],
  experiments: ['corro.experiment.>', 'corro.share.>', 'corro.hint.experiment.>'],
  clocks: ['corro.clock.>'],
  samples: ['corro.node.>'],
  presence: ['corro.hint.node.>'],
} as const satisfies Record<string, readonly string[]>

export type LiveTopic = keyof typeof liveTopics

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
 * - `status`, each second where `status=true` was asked for: a `ClusterStatus`;
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
