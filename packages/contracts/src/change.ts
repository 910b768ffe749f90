import { type Static, Type } from 'typebox'
import { defineRecord } from './definition.ts'
import { Timestamp } from './timestamp.ts'
import { Cell, NodeId, nullable } from './values.ts'

/** How a node came to see a row: the fast feed, the subscription, or a comparison with its shadow. */
export const Via = Type.Union([
  Type.Literal('updates'),
  Type.Literal('subscription'),
  Type.Literal('catch-up'),
])
export type Via = Static<typeof Via>

/** A transaction that wrote cells of this row. */
export const RowWrite = Type.Object({
  siteId: Type.String({ description: "the writer's actor id, 32 hexadecimal digits" }),
  dbVersion: Type.String({ description: "the writer's transaction number, decimal" }),
  hlc: Type.String({ description: "the writer's hybrid-logical time, NTP64, decimal" }),
})

/** One state of one replicated row, told once by each node that saw it. */
export const changeObserved = defineRecord(
  'corro.change.observed.{nodeId}',
  'A node saw a state of a replicated row for the first time.',
  Type.Object({
    nodeId: NodeId,
    table: Type.String({ minLength: 1 }),
    key: Type.Array(Cell, { minItems: 1 }),
    keyDigest: Type.String({ pattern: '^[A-Za-z0-9_-]+$', description: 'digest over the key' }),
    change: Type.Union([Type.Literal('insert'), Type.Literal('update'), Type.Literal('delete')]),
    rowVersion: Type.String({
      minLength: 1,
      description: 'digest over the cells (column, site, db_version); equal on every node',
    }),
    row: nullable(Type.Record(Type.String(), Cell), {
      description: 'null when it is deleted, or when it is larger than an event may be',
    }),
    omittedBytes: Type.Optional(Type.Integer({ description: 'size of a row that was left out' })),
    writes: Type.Array(RowWrite),
    via: Via,
    observedAt: Timestamp,
  }),
  (change) => `${change.nodeId}.${change.table}.${change.keyDigest}.${change.rowVersion}`,
)
export type ChangeObserved = Static<typeof changeObserved.schema>
