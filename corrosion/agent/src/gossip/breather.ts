import { setImmediate as nextTurn } from 'node:timers/promises'

const turnMs = 8

/** Work in many small steps awaits this after each: HTTP is answered in between. */
export function createBreather(): () => Promise<void> | undefined {
  let sinceMs = performance.now()
  return () => {
    if (performance.now() - sinceMs < turnMs) return undefined
    return nextTurn().then(() => {
      sinceMs = performance.now()
    })
  }
}
