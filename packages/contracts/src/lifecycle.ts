import { type Static, Type } from 'typebox'
import { defineRecord } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { NodeId } from './values.ts'

const restart = {
  nodeId: NodeId,
  restartId: Type.String({ minLength: 1, maxLength: 64 }),
  at: Timestamp,
}

/** Said before an agent is stopped. Whoever follows it closes its streams and ignores its errors. */
export const lifecycleRestarting = defineRecord(
  'corro.lifecycle.restarting.{nodeId}',
  'The agent of a node is about to be restarted.',
  Type.Object({ ...restart, reason: Type.String() }),
  (event) => `restarting.${event.restartId}`,
)
export type LifecycleRestarting = Static<typeof lifecycleRestarting.schema>

export const lifecycleReady = defineRecord(
  'corro.lifecycle.ready.{nodeId}',
  'The agent answers again and a subscription can be opened.',
  Type.Object({ ...restart, stepsMs: Type.Record(Type.String(), Type.Number()) }),
  (event) => `ready.${event.restartId}`,
)
export type LifecycleReady = Static<typeof lifecycleReady.schema>

export const lifecycleFailed = defineRecord(
  'corro.lifecycle.failed.{nodeId}',
  'The agent did not come back.',
  Type.Object({
    ...restart,
    reason: Type.String(),
    lastLogLines: Type.Array(Type.String({ maxLength: 2000 }), { maxItems: 50 }),
  }),
  (event) => `restart-failed.${event.restartId}`,
)
export type LifecycleFailed = Static<typeof lifecycleFailed.schema>
