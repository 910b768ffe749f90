import { type Static, Type } from 'typebox'
import { defineCommand } from './definition.ts'
import { By } from './operation.ts'
import { nullable } from './values.ts'

/** What of a stream was stored, to the record. */
export const LedgerEntry = Type.Object({
  stream: Type.String(),
  incarnation: Type.String(),
  is_current: Type.Boolean(),
  first_sequence: Type.Integer(),
  last_sequence: Type.Integer({ description: 'everything up to here was dealt with' }),
  published: Type.Integer({ description: 'sequences from the first to the last' }),
  stored: Type.Integer(),
  duplicates: Type.Integer({ description: 'facts that were stored before' }),
  refused: Type.Integer({ description: 'fit no contract; set aside' }),
  missing_records: Type.Integer(),
  missing_ranges: Type.Integer({ description: 'how many ranges these are in' }),
  missing: Type.Array(
    Type.Object({ from: Type.Integer(), to: Type.Integer(), reason: Type.String() }),
    { description: 'the newest 100 of these ranges' },
  ),
  waiting: nullable(Type.Integer({ description: 'in the stream, and not dealt with yet' })),
  ended: Type.Optional(
    Type.String({ description: 'why it is counted anew though the stream is the same one' }),
  ),
})
export type LedgerEntry = Static<typeof LedgerEntry>

export const ledgerQueried = defineCommand(
  'corro.command.analytics.ledger',
  'Published = stored + duplicates + refused + missing, for every stream.',
  {
    request: Type.Object({}),
    reply: Type.Object({ is_balanced: Type.Boolean(), streams: Type.Array(LedgerEntry) }),
    timeoutMs: 5000,
  },
)

/** The migrations that an analytics process knows. */
export const SchemaState = Type.Object({
  current: nullable(Type.String({ description: 'the last one that was made' })),
  pending: Type.Array(Type.String()),
})
export type SchemaState = Static<typeof SchemaState>

export const schemaQueried = defineCommand(
  'corro.command.analytics.schema',
  'Which migrations were made. Every process answers, also one that stands by or waits for them.',
  { request: Type.Object({}), reply: SchemaState, timeoutMs: 500 },
)

export const analyticsVacuumed = defineCommand(
  'corro.command.analytics.vacuum',
  'Drops raw records that are older than they are kept, now rather than within the hour.',
  {
    request: Type.Object({ by: By }),
    reply: Type.Object({
      retention_days: Type.Integer(),
      dropped: Type.Array(Type.String(), { description: 'partitions' }),
      deleted_rows: Type.Integer({ description: 'outside of partitions' }),
      made: Type.Array(Type.String(), { description: 'partitions of the days to come' }),
    }),
    timeoutMs: 60_000,
  },
)
