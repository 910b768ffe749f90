import { setTimeout as wait } from 'node:timers/promises'
import type { Logger } from 'pino'

/**
 * Runs `work` at once and then every `everyMs`, however long it takes, never two at a time, until it is
 * disposed.
 */
export function repeat(
  everyMs: number | (() => number),
  log: Logger,
  work: (signal: AbortSignal) => Promise<void>,
): AsyncDisposable {
  const stopping = new AbortController()
  const { signal } = stopping
  const running = (async () => {
    while (!signal.aborted) {
      const startedAt = performance.now()
      try {
        await work(signal)
      } catch (err) {
        if (!signal.aborted) log.warn({ err }, 'repeated work failed, it goes on')
      }
      const intervalMs = typeof everyMs === 'number' ? everyMs : everyMs()
      const rest = Math.max(0, intervalMs - (performance.now() - startedAt))
      await wait(rest, undefined, { signal }).catch(() => undefined) // aborted: the loop ends
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}
