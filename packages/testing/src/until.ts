import { setTimeout as wait } from 'node:timers/promises'

const usualMs = 30_000

/** Waits until `look` gives something: an event, a row, a line. Fails after 30 s, or as told. */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = usualMs,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > deadline) throw new Error(`still not so: ${look.toString()}`)
    await wait(10)
  }
}
