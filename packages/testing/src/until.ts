import { setTimeout as wait } from 'node:timers/promises'

const deadlineMs = 30_000

/** Waits until `look` gives something: an event, a row, a line. Fails after thirty seconds. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > deadline) throw new Error(`still not so: ${look.toString()}`)
    await wait(10)
  }
}
