import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '@corroport/bus'
import type { Sight } from './sight.ts'

const lookEveryMs = 200

export interface Patience {
  /** By `performance.now()`. */
  deadline: number
  signal: AbortSignal
}

/** Looks until it is so; the detail of what was seen. Fails with what is still waited for. */
export async function untilMet(look: () => Promise<Sight>, patience: Patience): Promise<string> {
  const { deadline, signal } = patience
  for (;;) {
    const sight = await look().catch(
      // Mostly an agent that is away for a moment; what it is stands in the failure.
      (error: unknown): Sight => ({ isMet: false, waitsFor: messageOf(error) }),
    )
    if (sight.isMet) return sight.detail
    const restMs = deadline - performance.now()
    if (restMs <= 0) throw new Error(`gave up waiting for ${sight.waitsFor}`)
    await wait(Math.min(lookEveryMs, restMs), undefined, { signal })
  }
}
