import type { ObservedRow } from './follow-event.ts'

/** What the caller of `follow` has already been given, by key. Answers must be synchronous. */
export interface Shadow {
  /** The version held for a key; undefined when there is none. Tombstones may be kept. */
  versionOf(keyText: string): { version: string; deleted: boolean } | undefined
  /** Live keys above `after` (as JavaScript or SQLite's BINARY orders them), at most `limit`. */
  liveKeys(after: string | undefined, limit: number): string[]
}

export interface MemoryShadow extends Shadow {
  apply(rows: readonly ObservedRow[]): void
}

/** A shadow that is empty at each start and forgets deleted rows. */
export function createMemoryShadow(): MemoryShadow {
  const versions = new Map<string, string>()
  let sorted: string[] | undefined

  return {
    versionOf(keyText) {
      const version = versions.get(keyText)
      return version === undefined ? undefined : { version, deleted: false }
    },
    liveKeys(after, limit) {
      sorted ??= [...versions.keys()].toSorted()
      const start = after === undefined ? 0 : firstAbove(sorted, after)
      return sorted.slice(start, start + limit)
    },
    apply(rows) {
      for (const { keyText, version, row } of rows) {
        if (versions.has(keyText) !== (row !== null)) sorted = undefined
        if (row === null) versions.delete(keyText)
        else versions.set(keyText, version)
      }
    },
  }
}

function firstAbove(sorted: readonly string[], text: string): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    // `middle` is below the length, so there is an element.
    if (sorted[middle]! > text) high = middle
    else low = middle + 1
  }
  return low
}
