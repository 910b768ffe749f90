import { keyText, type SqliteValue } from './values.ts'

/** When a key was named by each source, in microseconds since the Unix epoch. */
export interface Sighting {
  key: readonly SqliteValue[]
  keyText: string
  updatesSeenAt: number | undefined
  subscriptionSeenAt: number | undefined
  catchUpSeenAt: number | undefined
}

/** Keys that are read together. None of them is read again before the batch is released. */
export interface Batch {
  sightings: Sighting[]
  /** The lowest change id that these reads answer. */
  changeId: number
  /** A key of a catch-up is among them. */
  isCatchUp: boolean
}

interface Lane {
  key: readonly SqliteValue[]
  seenAt: number
  changeId: number
}

/**
 * Keys that wait to be read, each once however often it is named, so that their number is bounded
 * by the table's. Knows up to which change id of the subscription everything has been done.
 */
export interface PendingReads {
  addUpdate(key: readonly SqliteValue[], seenAt: number): void
  addChange(key: readonly SqliteValue[], seenAt: number, changeId: number): void
  addCatchUp(key: readonly SqliteValue[], seenAt: number): void
  /** Keys that the updates feed named, or the others; undefined when none can be read now. */
  take(lane: 'updates' | 'others', limit: number): Batch | undefined
  release(batch: Batch): void
  /** Whether a key waits or is being read. */
  has(keyText: string): boolean
  readonly size: number
  /**
   * The highest change id up to which nothing waits, counting `finished` as released; undefined
   * while keys of a catch-up wait.
   */
  doneUpTo(lastChangeId: number, finished?: Batch): number | undefined
  /** Change ids of a former subscription mean nothing any more; the keys stay. */
  forgetChangeIds(): void
}

export function createPendingReads(): PendingReads {
  const updates = new Map<string, Lane>()
  // In the order of their change ids, because a key that waits keeps its first one.
  const changes = new Map<string, Lane>()
  const catchUps = new Map<string, Lane>()
  const batches = new Set<Batch>()
  const busy = new Set<string>()

  const add = (
    lane: Map<string, Lane>,
    key: readonly SqliteValue[],
    seenAt: number,
    changeId = Infinity,
  ) => {
    const text = keyText(key)
    if (!lane.has(text)) lane.set(text, { key, seenAt, changeId })
  }

  const take = (lane: Map<string, Lane>, batch: Batch, limit: number) => {
    for (const [text, { key }] of lane) {
      if (batch.sightings.length >= limit) return
      if (busy.has(text)) continue
      const update = updates.get(text)
      const change = changes.get(text)
      const catchUp = catchUps.get(text)
      batch.sightings.push({
        key,
        keyText: text,
        updatesSeenAt: update?.seenAt,
        subscriptionSeenAt: change?.seenAt,
        catchUpSeenAt: catchUp?.seenAt,
      })
      batch.changeId = Math.min(batch.changeId, change?.changeId ?? Infinity)
      batch.isCatchUp ||= catchUp !== undefined
      // One read answers all that named the key before it.
      updates.delete(text)
      changes.delete(text)
      catchUps.delete(text)
      busy.add(text)
    }
  }

  return {
    addUpdate: (key, seenAt) => add(updates, key, seenAt),
    addChange: (key, seenAt, changeId) => add(changes, key, seenAt, changeId),
    addCatchUp: (key, seenAt) => add(catchUps, key, seenAt),
    take(lane, limit) {
      const batch: Batch = { sightings: [], changeId: Infinity, isCatchUp: false }
      if (lane === 'updates') {
        take(updates, batch, limit)
      } else {
        take(changes, batch, limit)
        take(catchUps, batch, limit)
      }
      if (batch.sightings.length === 0) return undefined
      batches.add(batch)
      return batch
    },
    release(batch) {
      batches.delete(batch)
      for (const sighting of batch.sightings) busy.delete(sighting.keyText)
    },
    has: (text) => busy.has(text) || updates.has(text) || changes.has(text) || catchUps.has(text),
    get size() {
      return updates.size + changes.size + catchUps.size + busy.size
    },
    doneUpTo(lastChangeId, finished) {
      if (catchUps.size > 0) return undefined
      let lowest = changes.values().next().value?.changeId ?? Infinity
      for (const batch of batches) {
        if (batch === finished) continue
        if (batch.isCatchUp) return undefined
        lowest = Math.min(lowest, batch.changeId)
      }
      return Math.min(lastChangeId, lowest - 1)
    },
    forgetChangeIds() {
      for (const [text, lane] of changes) {
        if (!catchUps.has(text)) catchUps.set(text, lane)
      }
      changes.clear()
      for (const batch of batches) {
        batch.isCatchUp ||= batch.changeId !== Infinity
        batch.changeId = Infinity
      }
    },
  }
}
