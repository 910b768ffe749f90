/** Wakes those who wait for something to have changed. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring; rejects with the signal's reason when it is aborted. */
  heard(signal?: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  let next = Promise.withResolvers<void>()
  return {
    ring() {
      next.resolve()
      next = Promise.withResolvers()
    },
    async heard(signal) {
      if (signal === undefined) return await next.promise
      signal.throwIfAborted()
      const { promise: aborted, reject } = Promise.withResolvers<never>()
      const abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort)
      try {
        await Promise.race([next.promise, aborted])
      } finally {
        signal.removeEventListener('abort', abort)
      }
    },
  }
}
