import type { LinkState } from '@corroport/contracts'

/** A node whose canaries are watched for, as NATS has it. */
export interface Watched {
  nodeId: string
  /**
   * It is heard, is active, its agent answers and its canaries are on: what they are and how often
   * they come, by its own word. Undefined where one of these is not so.
   */
  said: { sequence: number; intervalMs: number } | undefined
}

export interface Link {
  nodeId: string
  /** 0 while none has come. */
  sequence: number
  ageMs: number
  link: LinkState
}

/** Whose canaries stop coming here. Times are monotonic milliseconds. */
export interface LinkWatch {
  /** One look at the rows, undefined when the agent did not answer, and at who should have one. */
  look(
    rows: ReadonlyMap<string, number> | undefined,
    watched: readonly Watched[],
    nowMs: number,
  ): Link[]
}

// A canary and a half may be late, as under load.
const patienceIntervals = 2.5
// A process that stood still has missed canaries that came.
const longestGapMs = 3000

interface Seen {
  sequence: number
  changedAt: number
  /** Whether it changed while it was looked at, rather than being there from before. */
  isMoving: boolean
  expectedSince: number | undefined
}

/**
 * Silence counts from the last change, but never from before this agent and the other node were both
 * there: who was away a moment ago has nothing to blame the link for. A node that itself has written
 * nothing newer than what is here owes nothing.
 */
export function createLinkWatch(): LinkWatch {
  const seen = new Map<string, Seen>()
  let readingSince: number | undefined
  let lastLookAt = -Infinity

  const note = (nodeId: string, sequence: number, nowMs: number): Seen => {
    const before = seen.get(nodeId)
    if (before?.sequence === sequence) return before
    // A first row that appears while the others are read is a change too.
    const isMoving = before !== undefined
    const after = { sequence, changedAt: nowMs, isMoving, expectedSince: before?.expectedSince }
    seen.set(nodeId, after)
    return after
  }

  return {
    look(rows, watched, nowMs) {
      if (rows === undefined || nowMs - lastLookAt > longestGapMs) readingSince = undefined
      if (rows !== undefined) readingSince ??= nowMs
      lastLookAt = nowMs

      const nodeIds = new Set(watched.map(({ nodeId }) => nodeId))
      for (const nodeId of seen.keys()) if (!nodeIds.has(nodeId)) seen.delete(nodeId)

      return watched.map(({ nodeId, said }) => {
        const known = seen.get(nodeId)
        const node = rows ? note(nodeId, rows.get(nodeId) ?? known?.sequence ?? 0, nowMs) : known
        if (!node) return { nodeId, sequence: 0, ageMs: 0, link: 'unknown' }
        node.expectedSince = said === undefined ? undefined : (node.expectedSince ?? nowMs)
        const { sequence, changedAt, isMoving, expectedSince } = node
        const ageMs = nowMs - changedAt
        const unknown: Link = { nodeId, sequence, ageMs, link: 'unknown' }
        if (!said || expectedSince === undefined || readingSince === undefined) return unknown

        const since = Math.max(expectedSince, readingSince)
        const silentMs = nowMs - (isMoving ? Math.max(since, changedAt) : since)
        if (silentMs > patienceIntervals * said.intervalMs) {
          return said.sequence > sequence ? { ...unknown, link: 'partitioned?' } : unknown
        }
        return isMoving && changedAt >= since ? { ...unknown, link: 'ok' } : unknown
      })
    },
  }
}
