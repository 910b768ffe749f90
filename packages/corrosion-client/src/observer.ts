import type { ObservedRow, SecondSight } from './follow-event.ts'
import type { Sighting } from './pending-reads.ts'
import type { RowState } from './row-reader.ts'
import type { Shadow } from './shadow.ts'
import type { ReadBatch } from './table-reader.ts'

/** Tells what of the rows that were read is new to the shadow. */
export interface Observer {
  observe(read: ReadBatch | undefined): { rows: ObservedRow[]; seconds: SecondSight[] }
}

// States whose second sight never comes (the next one took their place) must not pile up.
const maxFirstSights = 10_000

export function createObserver(shadow: Shadow): Observer {
  const firstSights = new Map<string, { version: string; seenAt: number }>()

  const noteFirst = (keyText: string, version: string, seenAt: number) => {
    firstSights.delete(keyText)
    firstSights.set(keyText, { version, seenAt })
    const oldest = firstSights.keys().next().value
    if (firstSights.size > maxFirstSights && oldest !== undefined) firstSights.delete(oldest)
  }

  const second = ({ keyText, subscriptionSeenAt }: Sighting, version: string) => {
    const first = firstSights.get(keyText)
    if (subscriptionSeenAt === undefined || first === undefined) return undefined
    firstSights.delete(keyText)
    if (first.version !== version || first.seenAt > subscriptionSeenAt) return undefined
    return { keyText, version, updatesSeenAt: first.seenAt, subscriptionSeenAt }
  }

  return {
    observe(read) {
      const rows: ObservedRow[] = []
      const seconds: SecondSight[] = []
      read?.batch.sightings.forEach((sighting, index) => {
        const state = read.states[index]
        if (state === undefined) throw new Error('unreachable: a key without a state')
        const row = toObservedRow(sighting, state, shadow)
        if (row !== undefined) rows.push(row)
        if (row?.via === 'updates') noteFirst(row.keyText, row.version, row.seenAt)
        const again = second(sighting, state.version)
        if (again !== undefined) seconds.push(again)
      })
      return { rows, seconds }
    },
  }
}

function toObservedRow(
  sighting: Sighting,
  state: RowState,
  shadow: Shadow,
): ObservedRow | undefined {
  const held = shadow.versionOf(state.keyText)
  if (held?.version === state.version) return undefined
  const wasLive = held !== undefined && !held.deleted
  // A deleted row that was never given is nothing, and one that the node knows nothing of (its
  // database was replaced) is not deleted again.
  if (state.row === null && !wasLive && (held === undefined || state.writes.length === 0)) {
    return undefined
  }
  const change = state.row === null ? 'delete' : wasLive ? 'update' : 'insert'
  return { ...state, ...firstOf(sighting), change }
}

function firstOf(sighting: Sighting): Pick<ObservedRow, 'via' | 'seenAt'> {
  const { updatesSeenAt = Infinity, subscriptionSeenAt = Infinity, catchUpSeenAt = 0 } = sighting
  if (updatesSeenAt === Infinity && subscriptionSeenAt === Infinity) {
    return { via: 'catch-up', seenAt: catchUpSeenAt }
  }
  return updatesSeenAt <= subscriptionSeenAt
    ? { via: 'updates', seenAt: updatesSeenAt }
    : { via: 'subscription', seenAt: subscriptionSeenAt }
}
