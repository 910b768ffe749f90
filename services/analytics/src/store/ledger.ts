import { sql } from 'kysely'
import type { Db } from './database.ts'

/** A stream between its creation and its deletion, or its going back. */
export interface StreamLife {
  stream: string
  incarnation: string
}

export interface Counts {
  stored: number
  duplicates: number
  refused: number
}

export interface Gap {
  first: number
  last: number
  reason: string
}

/** Everything up to this record was dealt with. */
export interface Position {
  sequence: number
  storedAtNs: bigint | null
}

/** Undefined for a stream that is not known yet. */
export async function readPosition(
  db: Db,
  { stream, incarnation }: StreamLife,
): Promise<Position | undefined> {
  const entry = await db
    .selectFrom('ledger')
    .select(['last_sequence', 'last_stored_at_ns'])
    .where('stream', '=', stream)
    .where('incarnation', '=', incarnation)
    .executeTakeFirst()
  if (!entry) return undefined
  const { last_sequence, last_stored_at_ns } = entry
  return {
    sequence: Number(last_sequence),
    storedAtNs: last_stored_at_ns === null ? null : BigInt(last_stored_at_ns),
  }
}

/** Sets aside what was counted of a life, under a name of its own, and counts from `first` anew. */
export async function beginAnew(
  db: Db,
  { stream, incarnation }: StreamLife,
  { first, reason }: { first: number; reason: string },
): Promise<void> {
  const ended = `${incarnation} until ${new Date().toISOString()}`
  await db.transaction().execute(async (transaction) => {
    for (const table of ['ledger', 'ledger_gap', 'refused'] as const) {
      await transaction
        .updateTable(table)
        .set({ incarnation: ended })
        .where('stream', '=', stream)
        .where('incarnation', '=', incarnation)
        .execute()
    }
    await transaction
      .updateTable('ledger')
      .set({ ended: reason })
      .where('stream', '=', stream)
      .where('incarnation', '=', ended)
      .execute()
    await transaction
      .insertInto('ledger')
      .values({
        stream,
        incarnation,
        first_sequence: first,
        last_sequence: first - 1,
        stored: 0,
        duplicates: 0,
        refused: 0,
      })
      .execute()
  })
}

/** The position, which nobody else moves until the transaction ends. */
export async function lockPosition(db: Db, { stream, incarnation }: StreamLife): Promise<number> {
  const { last_sequence } = await db
    .insertInto('ledger')
    .values({ stream, incarnation, last_sequence: 0, stored: 0, duplicates: 0, refused: 0 })
    // An update locks the row and returns it; doing nothing would do neither.
    .onConflict((conflict) =>
      conflict.columns(['stream', 'incarnation']).doUpdateSet({ stream: sql`excluded.stream` }),
    )
    .returning('last_sequence')
    .executeTakeFirstOrThrow()
  return Number(last_sequence)
}

export async function movePosition(
  db: Db,
  to: StreamLife & { sequence: number; storedAtNs: bigint },
  counts: Counts,
): Promise<void> {
  await db
    .updateTable('ledger')
    .set({
      last_sequence: to.sequence,
      last_stored_at_ns: to.storedAtNs,
      stored: sql`stored + ${counts.stored}`,
      duplicates: sql`duplicates + ${counts.duplicates}`,
      refused: sql`refused + ${counts.refused}`,
      updated_at: sql`now()`,
    })
    .where('stream', '=', to.stream)
    .where('incarnation', '=', to.incarnation)
    .execute()
}

export async function storeGaps(
  db: Db,
  { stream, incarnation }: StreamLife,
  gaps: readonly Gap[],
): Promise<void> {
  if (gaps.length === 0) return
  await db
    .insertInto('ledger_gap')
    .values(
      gaps.map(({ first, last, reason }) => ({
        stream,
        incarnation,
        first_sequence: first,
        last_sequence: last,
        reason,
      })),
    )
    .execute()
}

export interface RefusedRow {
  sequence: number
  subject: string
  reason: string
  data: Uint8Array
}

export async function storeRefused(
  db: Db,
  { stream, incarnation }: StreamLife,
  refused: readonly RefusedRow[],
): Promise<void> {
  if (refused.length === 0) return
  await db
    .insertInto('refused')
    .values(
      refused.map(({ sequence, subject, reason, data }) => ({
        stream,
        incarnation,
        sequence,
        subject: withoutNul(subject),
        reason: withoutNul(reason),
        payload: Buffer.from(data),
      })),
    )
    .execute()
}

// Postgres has no text with it.
function withoutNul(text: string): string {
  return text.replaceAll('\0', '')
}

export interface LedgerRow extends StreamLife, Counts {
  firstSequence: number
  lastSequence: number
  ended: string | null
  missingRecords: number
  missingRanges: number
  /** The newest of them. */
  gaps: Gap[]
}

// All entries together are one reply, which has to stay below 1 MB.
const newestGaps = 100

export async function readLedger(db: Db): Promise<LedgerRow[]> {
  const { rows } = await sql<LedgerRow>`
    SELECT ledger.stream, ledger.incarnation, ledger.ended,
      ledger.first_sequence::float8 AS "firstSequence",
      ledger.last_sequence::float8 AS "lastSequence",
      stored::float8 AS stored, duplicates::float8 AS duplicates, refused::float8 AS refused,
      missing."missingRecords", missing."missingRanges", newest.gaps
    FROM ledger
    CROSS JOIN LATERAL (
      SELECT count(*)::integer AS "missingRanges",
        coalesce(sum(last_sequence - first_sequence + 1), 0)::float8 AS "missingRecords"
      FROM ledger_gap gap
      WHERE gap.stream = ledger.stream AND gap.incarnation = ledger.incarnation
    ) missing
    CROSS JOIN LATERAL (
      SELECT coalesce(jsonb_agg(jsonb_build_object(
        'first', first_sequence, 'last', last_sequence, 'reason', reason
      ) ORDER BY first_sequence), '[]') AS gaps
      FROM (
        SELECT first_sequence, last_sequence, reason FROM ledger_gap gap
        WHERE gap.stream = ledger.stream AND gap.incarnation = ledger.incarnation
        ORDER BY first_sequence DESC LIMIT ${newestGaps}
      ) gap
    ) newest
    ORDER BY ledger.stream, ledger.updated_at`.execute(db)
  return rows
}
