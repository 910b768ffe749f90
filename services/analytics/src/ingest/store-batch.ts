import { messageOf, type StoredRecord } from '@corroport/bus'
import { DatabaseError } from 'pg'
import type { Db } from '../store/database.ts'
import {
  type Counts,
  lockPosition,
  movePosition,
  storeGaps,
  storeRefused,
} from '../store/ledger.ts'
import { markStale } from '../store/mark-stale.ts'
import { storeFacts } from '../store/store-facts.ts'
import { findGaps } from './gaps.ts'
import { type Row, toRow } from './rows.ts'

/** A record as a row, or why it cannot be one. */
export interface ReadRecord {
  record: StoredRecord
  row: Row | undefined
  refusal: string | undefined
}

export function readRecord(record: StoredRecord): ReadRecord {
  try {
    return { record, row: toRow(record.subject, record.json()), refusal: undefined }
  } catch (error) {
    return { record, row: undefined, refusal: messageOf(error) }
  }
}

export interface StoreDeps {
  db: Db
  /** Sets a record aside where operators find it. */
  bury: (record: StoredRecord, reason: string) => Promise<void>
  /** The first sequence that the stream still has. */
  findFirst: () => Promise<number>
}

/** Stores records of one stream, in its order, and moves the ledger in the same transaction. */
export async function storeBatch(deps: StoreDeps, batch: readonly ReadRecord[]): Promise<Counts> {
  for (const { record, refusal } of batch) if (refusal) await deps.bury(record, refusal)
  return await storeByHalves(deps, batch)
}

/** Whatever one of them holds, it stops no other: what Postgres refuses is looked for and set aside. */
async function storeByHalves(deps: StoreDeps, batch: readonly ReadRecord[]): Promise<Counts> {
  try {
    return await storeTogether(deps, batch)
  } catch (error) {
    if (!isOfTheData(error)) throw error
    if (batch.length === 1) {
      const [only] = batch
      if (!only?.row) throw error
      return await storeBatch(deps, [{ ...only, row: undefined, refusal: messageOf(error) }])
    }
    const middle = Math.ceil(batch.length / 2)
    const first = await storeByHalves(deps, batch.slice(0, middle))
    const second = await storeByHalves(deps, batch.slice(middle))
    return {
      stored: first.stored + second.stored,
      duplicates: first.duplicates + second.duplicates,
      refused: first.refused + second.refused,
    }
  }
}

async function storeTogether(
  { db, findFirst }: StoreDeps,
  batch: readonly ReadRecord[],
): Promise<Counts> {
  const last = batch.at(-1)?.record
  if (!last) throw new Error('unreachable: an empty batch')
  return await db.transaction().execute(async (transaction) => {
    const position = await lockPosition(transaction, last)
    const fresh = batch.filter(({ record }) => record.sequence > position)
    if (fresh.length === 0) return { stored: 0, duplicates: 0, refused: 0 }
    const rows = fresh.flatMap(({ row }) => row ?? [])
    const refused = fresh.flatMap(({ record: { sequence, subject, data }, refusal }) =>
      refusal === undefined ? [] : { sequence, subject, data, reason: refusal },
    )
    const stored = await storeFacts(transaction, rows)
    await storeRefused(transaction, last, refused)
    const isWhole = last.sequence - position === fresh.length
    if (!isWhole) {
      const sequences = fresh.map(({ record }) => record.sequence)
      await storeGaps(transaction, last, findGaps(position, sequences, await findFirst()))
    }
    await markStale(transaction, rows)
    const counts = { stored, duplicates: rows.length - stored, refused: refused.length }
    await movePosition(transaction, last, counts)
    return counts
  })
}

/** A value that cannot be stored, one that is missing, or a key that is too long for its index. */
function isOfTheData(error: unknown): boolean {
  return error instanceof DatabaseError && /^(22|54)|^23502$/.test(error.code ?? '')
}
