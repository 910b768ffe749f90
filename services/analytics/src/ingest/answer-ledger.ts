import { type Bus, findStreamHeads, type StreamHead } from '@corroport/bus'
import { type LedgerEntry, ledgerQueried } from '@corroport/contracts'
import type { Static } from 'typebox'
import type { Db } from '../store/database.ts'
import { type LedgerRow, readLedger } from '../store/ledger.ts'

type Entry = Static<typeof LedgerEntry>

const headTimeoutMs = 2000

export function answerLedger({ db, bus }: { db: Db; bus: Bus }): AsyncDisposable {
  return bus.respond(ledgerQueried, {}, async () => {
    const [rows, heads] = await Promise.all([readLedger(db), findStreamHeads(bus, headTimeoutMs)])
    const streams = rows.map((row) => toEntry(row, heads))
    return { is_balanced: streams.every(isBalanced), streams }
  })
}

export function isBalanced({ published, stored, duplicates, refused, missing }: Entry): boolean {
  const gone = missing.reduce((sum, { from, to }) => sum + to - from + 1, 0)
  return published === stored + duplicates + refused + gone
}

export function toEntry(row: LedgerRow, heads: readonly StreamHead[]): Entry {
  const head = heads.find(
    ({ stream, incarnation }) => stream === row.stream && incarnation === row.incarnation,
  )
  const gaps = row.gaps.map(({ first, last, reason }) => ({ from: first, to: last, reason }))
  return {
    stream: row.stream,
    incarnation: row.incarnation,
    is_current: head !== undefined,
    first_sequence: 1,
    last_sequence: row.lastSequence,
    published: row.lastSequence,
    stored: row.stored,
    duplicates: row.duplicates,
    refused: row.refused,
    missing: gaps,
    // What was discarded meanwhile does not wait; it is named when the next record is stored.
    waiting: head ? Math.max(0, head.last - Math.max(row.lastSequence, head.first - 1)) : null,
  }
}
