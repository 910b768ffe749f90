import type { Changeset, VersionRange } from '../store/change.ts'
import type { ChangesetPart } from './changeset-part.ts'
import { subtract, union } from './ranges.ts'

const maxHeldChanges = 400_000

export interface Assembly {
  /** The whole changeset, once its last missing part has come. */
  add(part: ChangesetPart): Changeset | undefined
  /** Seqs that are missing of versions of which some are here; by actor, then version. */
  missing(): ReadonlyMap<string, ReadonlyMap<number, VersionRange[]>>
}

interface Incomplete {
  part: ChangesetPart
  parts: ChangesetPart[]
  held: VersionRange[]
}

/** Puts versions together that came in several parts. They are applied whole or not at all. */
export function createAssembly(): Assembly {
  const incomplete = new Map<string, Incomplete>()
  let heldChanges = 0

  function drop(key: string): void {
    for (const part of incomplete.get(key)?.parts ?? []) heldChanges -= part.changes.length
    incomplete.delete(key)
  }

  return {
    add(part) {
      if (part.startSeq === 0 && part.endSeq === part.lastSeq) {
        drop(keyOf(part.actorId, part.version))
        return whole(part, part.changes)
      }
      const key = keyOf(part.actorId, part.version)
      const known = incomplete.get(key) ?? { part, parts: [], held: [] }
      if (known.part.lastSeq !== part.lastSeq) return undefined
      const range = { start: part.startSeq, end: part.endSeq }
      if (subtract([range], known.held).length === 0) return undefined
      known.parts.push(part)
      known.held = union(known.held, [range])
      heldChanges += part.changes.length
      // Set anew, so that the one that waits longest is first.
      incomplete.delete(key)
      incomplete.set(key, known)
      if (
        known.held.length === 1 &&
        known.held[0]?.start === 0 &&
        known.held[0].end === part.lastSeq
      ) {
        drop(key)
        const bySeq = new Map(
          known.parts.flatMap(({ changes }) => changes.map((one) => [one.seq, one])),
        )
        return whole(
          part,
          [...bySeq.values()].toSorted((a, b) => a.seq - b.seq),
        )
      }
      for (const oldest of incomplete.keys()) {
        if (heldChanges <= maxHeldChanges || oldest === key) break
        drop(oldest)
      }
      return undefined
    },

    missing() {
      const byActor = new Map<string, Map<number, VersionRange[]>>()
      for (const { part, held } of incomplete.values()) {
        const versions = byActor.get(part.actorId) ?? new Map<number, VersionRange[]>()
        byActor.set(part.actorId, versions)
        versions.set(part.version, subtract([{ start: 0, end: part.lastSeq }], held))
      }
      return byActor
    },
  }
}

function keyOf(actorId: string, version: number): string {
  return `${actorId}:${version}`
}

function whole(
  { actorId, version, lastSeq, ts }: ChangesetPart,
  changes: Changeset['changes'],
): Changeset {
  return { actorId, version, lastSeq, ts, changes }
}
