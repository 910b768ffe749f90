import type { StateFile } from '@corroport/bus'
import { fromTimestamp, type LifecycleRestarting, nowMicroseconds } from '@corroport/contracts'

export interface AgentPause {
  /** Returns whether the followers should pause now. */
  restarting(event: LifecycleRestarting): boolean
  /** Returns whether the followers should go on now. */
  finished(restartId: string): boolean
  [Symbol.dispose](): void
}

/**
 * Decides whether an announced restart pauses this subscriber. One that is finished, or so old that
 * it cannot be going on, pauses nobody: records may be delivered late and twice. A pause that is
 * never ended ends by itself.
 */
export function createAgentPause(
  state: StateFile,
  limitMs: number,
  onLimit: (restartId: string) => void,
): AgentPause {
  const isFinished = state.db.prepare('SELECT 1 FROM finished_restart WHERE restart_id = ?')
  const finish = state.db.prepare('INSERT OR IGNORE INTO finished_restart VALUES (?, ?)')
  const forget = state.db.prepare('DELETE FROM finished_restart WHERE finished_at < ?')
  let current: { restartId: string; timer: NodeJS.Timeout } | undefined

  const end = (restartId: string): boolean => {
    if (current?.restartId !== restartId) return false
    clearTimeout(current.timer)
    current = undefined
    return true
  }

  return {
    restarting({ restartId, at }) {
      const ageMs = (nowMicroseconds() - (fromTimestamp(at) ?? 0)) / 1000
      if (ageMs > limitMs || isFinished.get(restartId) || current?.restartId === restartId) {
        return false
      }
      if (current) clearTimeout(current.timer)
      const timer = setTimeout(() => {
        if (end(restartId)) onLimit(restartId)
      }, limitMs)
      current = { restartId, timer }
      return true
    },
    finished(restartId) {
      const now = Date.now()
      finish.run(restartId, now)
      // Older than any stream keeps its records.
      forget.run(now - 60 * 24 * 3_600_000)
      return end(restartId)
    },
    [Symbol.dispose]() {
      if (current) clearTimeout(current.timer)
    },
  }
}
