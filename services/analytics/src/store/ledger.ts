import { sql } from 'kysely'
import type { Db } from './database.ts'

/** A stream between its creation and its deletion. */
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

/** Everything up to this sequence was dealt with; 0 for a stream that is not known yet. */
export async function readPosition(db: Db, { stream, incarnation }: StreamLife): Promise<number> {
  const entry = await db
    .selectFrom('ledger')
    .select('last_sequence')
    .where('stream', '=', stream)
    .where('incarnation', '=', incarnation)
    .executeTakeFirst()
  return Number(entry?.last_sequence ?? 0)
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
  { stream, incarnation }: StreamLife,
  to: number,
  counts: Counts,
): Promise<void> {
  await db
    .updateTable('ledger')
    .set({
      last_sequence: to,
      stored: sql`stored + ${counts.stored}`,
      duplicates: sql`duplicates + ${counts.duplicates}`,
      refused: sql`refused + ${counts.refused}`,
      updated_at: sql`now()`,
    })
    .where('stream', '=', stream)
    .where('incarnation', '=', incarnation)
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
  lastSequence: number
  gaps: Gap[]
}

export async function readLedger(db: Db): Promise<LedgerRow[]> {
  const [entries, gaps] = await Promise.all([
    db.selectFrom('ledger').selectAll().orderBy('stream').orderBy('updated_at').execute(),
    db.selectFrom('ledger_gap').selectAll().orderBy('first_sequence').execute(),
  ])
  return entries.map((entry) => ({
    stream: entry.stream,
    incarnation: entry.incarnation,
    lastSequence: Number(entry.last_sequence),
    stored: Number(entry.stored),
    duplicates: Number(entry.duplicates),
    refused: Number(entry.refused),
    gaps: gaps
      .filter((gap) => gap.stream === entry.stream && gap.incarnation === entry.incarnation)
      .map((gap) => ({
        first: Number(gap.first_sequence),
        last: Number(gap.last_sequence),
        reason: gap.reason,
      })),
  }))
}
