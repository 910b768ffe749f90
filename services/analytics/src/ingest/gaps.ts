import type { Gap } from '../store/ledger.ts'

/** What is missing behind `position` among sequences that rise. `first` is what the stream still has. */
export function findGaps(position: number, sequences: readonly number[], first: number): Gap[] {
  const gaps: Gap[] = []
  let last = position
  for (const sequence of sequences) {
    if (sequence > last + 1) {
      const reason =
        sequence - 1 < first ? "discarded by the stream's bounds" : 'deleted from the stream'
      gaps.push({ first: last + 1, last: sequence - 1, reason })
    }
    last = sequence
  }
  return gaps
}
