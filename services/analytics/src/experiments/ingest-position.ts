import { type Bus, findStreamHeads, type StreamHead } from '@corroport/bus'
import type { StreamName } from '@corroport/contracts'
import type { Db } from '../store/database.ts'

/** The figures of an experiment are made of these. */
const streamsOfFigures: readonly StreamName[] = ['RECORDS', 'LIFECYCLE', 'SAMPLES']
const headTimeoutMs = 2000

/** What the streams hold now, less what holds nothing. */
export async function readHeads(bus: Bus): Promise<StreamHead[]> {
  const heads = await findStreamHeads(bus, headTimeoutMs)
  // One that was never written to is at 0, and one that was emptied begins after its end.
  return heads.filter(
    ({ stream, first, last }) => streamsOfFigures.includes(stream) && last > 0 && first <= last,
  )
}

/** False when one of these streams is gone, or was made anew or emptied since, or went back. */
export const areStillThere = (heads: readonly StreamHead[], present: readonly StreamHead[]) =>
  heads.every(({ stream, incarnation, last }) =>
    present.some(
      (head) => head.stream === stream && head.incarnation === incarnation && head.last >= last,
    ),
  )

/** Whether everything up to these places was stored, or set aside. */
export async function hasPassedHeads(db: Db, heads: readonly StreamHead[]): Promise<boolean> {
  const positions = await db
    .selectFrom('ledger')
    .select(['stream', 'incarnation', 'last_sequence'])
    .execute()
  return heads.every(({ stream, incarnation, last }) =>
    positions.some(
      (position) =>
        position.stream === stream &&
        position.incarnation === incarnation &&
        Number(position.last_sequence) >= last,
    ),
  )
}
