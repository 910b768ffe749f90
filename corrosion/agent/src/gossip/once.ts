const maxKeys = 1_000

/** Tells whether something was seen before, so that the log has one line of it. */
export interface Once {
  isFirst(key: string): boolean
  /** The next time is a first time again. */
  forget(key: string): void
}

export function createOnce(): Once {
  const keys = new Set<string>()
  return {
    isFirst(key) {
      if (keys.has(key)) return false
      const [oldest] = keys
      if (keys.size >= maxKeys && oldest !== undefined) keys.delete(oldest)
      keys.add(key)
      return true
    },
    forget(key) {
      keys.delete(key)
    },
  }
}
