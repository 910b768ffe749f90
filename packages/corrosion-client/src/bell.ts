import { once } from 'node:events'

/** Wakes those who wait for something to have changed. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring; rejects with the signal's reason when it is aborted. */
  heard(signal?: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  const target = new EventTarget()
  return {
    ring: () => void target.dispatchEvent(new Event('ring')),
    async heard(signal) {
      signal?.throwIfAborted()
      try {
        await once(target, 'ring', signal === undefined ? {} : { signal })
      } catch (error) {
        signal?.throwIfAborted()
        throw error
      }
    },
  }
}
