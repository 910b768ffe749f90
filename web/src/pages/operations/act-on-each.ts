import { messageOf, UnreachedError } from '../../api/errors.ts'

interface Ended {
  done: number[]
  refused: { sequence: number; reason: string }[]
}

/**
 * One after the other, oldest first, as they were told at first; what is refused stops nothing else.
 * A gateway that does not answer does: the rest would only wait for it, too.
 */
export async function actOnEach(
  sequences: readonly number[],
  act: (sequence: number) => Promise<unknown>,
): Promise<Ended> {
  const ended: Ended = { done: [], refused: [] }
  for (const sequence of sequences.toSorted((a, b) => a - b)) {
    try {
      await act(sequence)
      ended.done.push(sequence)
    } catch (error) {
      ended.refused.push({ sequence, reason: messageOf(error) })
      if (error instanceof UnreachedError) break
    }
  }
  return ended
}
