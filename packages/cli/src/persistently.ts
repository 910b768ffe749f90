import { setTimeout as wait } from 'node:timers/promises'
import { isPassing } from './gateway-client.ts'
import type { Terminal } from './terminal.ts'

const attempts = 5

/** Asks again where the answer may come a little later: ten seconds in all. */
export async function persistently<Found>(
  ask: () => Promise<Found>,
  terminal: Terminal,
): Promise<Found> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask()
    } catch (error) {
      if (attempt === attempts || !isPassing(error)) throw error
      terminal.note(error.message, ': once more')
      await wait(1000 * attempt)
    }
  }
}
