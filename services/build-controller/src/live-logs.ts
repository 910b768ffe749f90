/** Wakes those who watch a log when this controller wrote to it; they look for themselves now and then. */
export interface LiveLogs {
  wake(buildId: string): void
  /** Resolves at the next line, after a second, or when aborted. */
  changed(buildId: string, signal: AbortSignal): Promise<void>
}

// Lines that another controller wrote are seen so late.
const lookEveryMs = 1000

export function createLiveLogs(): LiveLogs {
  const watchers = new Map<string, Set<() => void>>()
  return {
    wake(buildId) {
      for (const leave of watchers.get(buildId) ?? []) leave()
    },
    changed: (buildId, signal) =>
      new Promise((resolve) => {
        const leave = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', leave)
          const others = watchers.get(buildId)
          others?.delete(leave)
          if (others?.size === 0) watchers.delete(buildId)
          resolve()
        }
        const timer = setTimeout(leave, lookEveryMs)
        signal.addEventListener('abort', leave)
        const others = watchers.get(buildId) ?? new Set()
        watchers.set(buildId, others.add(leave))
      }),
  }
}
