import { type Static, Type } from 'typebox'
import { defineRecord } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId, nullable } from './values.ts'

const about = {
  nodeId: NodeId,
  table: Type.String({ minLength: 1 }),
  at: Timestamp,
}

const identify =
  (fact: string) =>
  (payload: { nodeId: string; table: string; at: string }): string =>
    `subscription-${fact}.${payload.nodeId}.${payload.table}.${payload.at}`

export const subscriptionLive = defineRecord(
  'corro.subscription.live.{nodeId}',
  'A table is followed: snapshot taken and compared, both feeds open.',
  Type.Object({ ...about, subscriptionId: Type.String(), caughtUpRows: Type.Integer() }),
  identify('live'),
)

export const subscriptionLost = defineRecord(
  'corro.subscription.lost.{nodeId}',
  'The stream of a table ended or the agent stopped answering; it is being resumed.',
  Type.Object({ ...about, reason: Type.String() }),
  identify('lost'),
)

export const subscriptionResumed = defineRecord(
  'corro.subscription.resumed.{nodeId}',
  'The stream of a table goes on where it was lost, without a gap.',
  Type.Object({ ...about, subscriptionId: Type.String(), fromChangeId: Type.Integer() }),
  identify('resumed'),
)

export const subscriptionGapped = defineRecord(
  'corro.subscription.gapped.{nodeId}',
  'The place in the stream was lost; the table is compared with what was seen before.',
  Type.Object({ ...about, reason: Type.String() }),
  identify('gapped'),
)

export const subscriptionPaused = defineRecord(
  'corro.subscription.paused.{nodeId}',
  'The streams of a table were closed for a restart of the agent.',
  Type.Object({ ...about, restartId: Type.String() }),
  identify('paused'),
)

export const subscriptionAudited = defineRecord(
  'corro.subscription.audited.{nodeId}',
  'The whole table was compared with what was seen of it.',
  Type.Object({
    ...about,
    rows: Type.Integer(),
    differing: Type.Integer(),
    differingKeys: Type.Array(Type.String(), { maxItems: 100, description: 'the first of them' }),
    durationMs: Type.Number(),
    flushLagMs: nullable(
      Type.Object({ count: Type.Integer(), p50: Type.Number(), p95: Type.Number() }),
      {
        description: 'sight on the updates feed to sight on the subscription, since the last audit',
      },
    ),
  }),
  identify('audited'),
)
export type SubscriptionAudited = Static<typeof subscriptionAudited.schema>
