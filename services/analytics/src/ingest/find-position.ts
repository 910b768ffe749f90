import type { StoredRecord, StreamHead } from '@corroport/bus'
import type { Logger } from 'pino'
import type { Db } from '../store/database.ts'
import { beginAnew, type Position, readPosition } from '../store/ledger.ts'

type RecordAt = (sequence: number) => Promise<StoredRecord | undefined>

/**
 * Where reading goes on. A stream whose older copy was put back, or whose server lost its last writes,
 * gives sequences a second time: it is read from its first record again, and counted anew. What was
 * stored of it before is known by its keys.
 */
export async function findPosition(
  { db, log }: { db: Db; log: Logger },
  head: StreamHead,
  recordAt: RecordAt,
): Promise<number> {
  const position = await readPosition(db, head)
  if (!position) return 0
  if (!(await wentBack(position, head, recordAt))) return position.sequence
  const { stream, last } = head
  // A stream that was never written to begins at 0.
  const first = Math.max(head.first, 1)
  const { sequence } = position
  log.warn({ stream, sequence, first, last }, 'stream went back')
  const reason = `the stream went back: what it had up to ${sequence} is stored; what it had beyond, and is not told again, is lost`
  await beginAnew(db, head, { first, reason })
  return first - 1
}

async function wentBack(
  { sequence, storedAtNs }: Position,
  { last }: StreamHead,
  recordAt: RecordAt,
): Promise<boolean> {
  if (sequence > last) return true
  const record = await recordAt(sequence)
  // Where it was discarded meanwhile, or stored by a version that kept no times, nothing speaks for it.
  return record !== undefined && storedAtNs !== null && record.storedAtNs !== storedAtNs
}
