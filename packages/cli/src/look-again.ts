import { setTimeout as wait } from 'node:timers/promises'
import { isPassing } from './gateway-client.ts'

export interface Patience {
  everyMs: number
  /** So long without an answer, its last error is thrown. */
  silentMs: number
}

/**
 * One answer after the other, for as long as somebody wants them. `onSilence` hears why there is none
 * at the moment.
 */
export async function* lookAgain<T>(
  look: () => Promise<T>,
  { everyMs, silentMs }: Patience,
  onSilence: (error: Error) => void = () => undefined,
): AsyncGenerator<T, never> {
  let answeredAt = performance.now()
  for (;;) {
    try {
      const answer = await look()
      answeredAt = performance.now()
      yield answer
    } catch (error) {
      if (!isPassing(error) || performance.now() - answeredAt >= silentMs) throw error
      onSilence(error)
    }
    await wait(everyMs)
  }
}
