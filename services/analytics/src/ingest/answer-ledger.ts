import { type Bus, findStreamHead, isStreamMissing, type StreamHead } from '@corroport/bus'
import { analyticsDurables, type LedgerEntry, ledgerQueried } from '@corroport/contracts'
import type { Db } from '../store/database.ts'
import { type LedgerRow, readLedger } from '../store/ledger.ts'
import { goneReason } from './gaps.ts'

const headTimeoutMs = 2000

export function answerLedger({ db, bus }: { db: Db; bus: Bus }): AsyncDisposable {
  return bus.respond(ledgerQueried, {}, async () => {
    // Before the rows: of what the streams had then, the rows cannot know less.
    const heads = await findHeads(bus)
    const streams = (await readLedger(db)).map((row) => toEntry(row, heads))
    return { is_balanced: streams.every(isBalanced), streams }
  })
}

/** Of the streams that there are; the others are told by what was stored of them. */
async function findHeads(bus: Bus): Promise<StreamHead[]> {
  const heads = analyticsDurables.map(async ({ stream }) => {
    try {
      return [await findStreamHead(bus, stream, headTimeoutMs)]
    } catch (error) {
      if (isStreamMissing(error)) return []
      throw error
    }
  })
  return (await Promise.all(heads)).flat()
}

function isBalanced(entry: LedgerEntry): boolean {
  const { published, stored, duplicates, refused, missing_records: missing } = entry
  return published === stored + duplicates + refused + missing
}

export function toEntry(row: LedgerRow, heads: readonly StreamHead[]): LedgerEntry {
  const { stream, incarnation, firstSequence, lastSequence } = row
  const head = heads.find((each) => each.stream === stream && each.incarnation === incarnation)
  // What is gone meanwhile is stored as missing with the next record, which may not come for days.
  const gone = head ? Math.max(0, head.first - 1 - lastSequence) : 0
  const passed = lastSequence + gone
  const gaps =
    gone > 0
      ? [...row.gaps, { first: lastSequence + 1, last: passed, reason: goneReason }]
      : row.gaps
  return {
    stream,
    incarnation,
    is_current: head !== undefined,
    first_sequence: firstSequence,
    last_sequence: passed,
    published: passed - firstSequence + 1,
    stored: row.stored,
    duplicates: row.duplicates,
    refused: row.refused,
    missing_records: row.missingRecords + gone,
    missing_ranges: row.missingRanges + (gone > 0 ? 1 : 0),
    missing: gaps.map(({ first, last, reason }) => ({ from: first, to: last, reason })),
    waiting: head ? Math.max(0, head.last - passed) : null,
    ...(row.ended === null ? {} : { ended: row.ended }),
  }
}
