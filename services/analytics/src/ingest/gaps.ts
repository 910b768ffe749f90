import type { Gap } from '../store/ledger.ts'

export const goneReason = 'gone before they were read: by the bounds of the stream, or purged'
const deletedReason = 'deleted one by one'

/** What is missing behind `position` among sequences that rise. `first` is what the stream still has. */
export function findGaps(position: number, sequences: readonly number[], first: number): Gap[] {
  const gaps: Gap[] = []
  let last = position
  for (const sequence of sequences) {
    if (sequence > last + 1) {
      const reason = sequence - 1 < first ? goneReason : deletedReason
      gaps.push({ first: last + 1, last: sequence - 1, reason })
    }
    last = sequence
  }
  return gaps
}
