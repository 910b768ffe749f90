import { DatabaseSync } from 'node:sqlite'
import type { VersionRange } from '../store/change.ts'
import type { Store } from '../store/store.ts'
import { toUuid } from '../uuid.ts'
import { type Answer, RefusedError, say } from './admin-agent.ts'

export const syncState: Answer = function* ({ gossip }) {
  yield say('generating sync...')
  yield { Json: gossip.syncState() }
}

/** Gaps are kept collapsed here, so that there is never anything to be done. */
export const reconcileGaps: Answer = function* ({ store }) {
  const gaps = [...store.gaps()]
  yield say(`reconciling gaps for ${gaps.length} actors...`)
  for (const [actorId, { length }] of gaps) {
    yield say(`collapsing ranges for ${actorId}`)
    yield say(`collapsed ranges for ${actorId} in 0ns (deleted: ${length}, inserted: ${length})`)
  }
}

/** Compares what the agent knows of versions with what its database says. */
export const checkBookieConsistency: Answer = function* ({ store }) {
  yield say('checking in-memory and DB bookie consistency...')
  const held = describeVersions(store.heads(), store.gaps())
  const stored = readVersions(store)
  const only = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>) =>
    [...one.keys()].filter((actorId) => !other.has(actorId)).toSorted()
  const onlyInMemory = only(held, stored)
  const onlyInDb = only(stored, held)
  const mismatched = [...held.keys()]
    .filter((actorId) => stored.has(actorId) && stored.get(actorId) !== held.get(actorId))
    .toSorted()
  const ok = onlyInMemory.length + onlyInDb.length + mismatched.length === 0
  yield {
    Json: {
      ok,
      in_memory_actors: held.size,
      db_actors: stored.size,
      value_mismatch_actors: mismatched.map(toUuid),
      only_in_memory_actors: onlyInMemory.map(toUuid),
      only_in_db_actors: onlyInDb.map(toUuid),
    },
  }
  if (!ok) {
    throw new RefusedError(
      `bookie mismatch: value_mismatch=${mismatched.length}, only_in_memory=${onlyInMemory.length}, only_in_db=${onlyInDb.length}`,
    )
  }
}

export function actorVersion(actorId: string, version: number): Answer {
  return function* ({ store }) {
    if (actorId !== store.actorId && !store.heads().has(actorId)) {
      throw new RefusedError(`unknown actor id: ${actorId}`)
    }
    if (!store.isHeld(actorId, version)) {
      yield { Json: null }
      return
    }
    const changes = store.changeset(actorId, version)?.changes ?? []
    const lastSeq = changes.at(-1)?.seq
    yield {
      Json:
        lastSeq === undefined
          ? 'cleared or unkown' // as Corrosion spells it
          : { current: { db_version: version, last_seq: lastSeq } },
    }
  }
}

function readVersions(store: Store): Map<string, string> {
  using db = new DatabaseSync(store.path, { readOnly: true })
  const heads = new Map<string, number>()
  const gaps = new Map<string, VersionRange[]>()
  const headRows = db.prepare(
    `SELECT lower(hex(site_id)) AS id, max(version) AS version FROM (
       SELECT site_id, db_version AS version FROM crsql_db_versions
       UNION ALL SELECT actor_id, "end" FROM __corro_bookkeeping_gaps
     ) GROUP BY 1`,
  )
  for (const { id, version } of headRows.all()) heads.set(String(id), Number(version))
  const gapRows = db.prepare(
    'SELECT lower(hex(actor_id)) AS id, start, "end" FROM __corro_bookkeeping_gaps ORDER BY 1, 2',
  )
  for (const { id, start, end } of gapRows.all()) {
    const gap = { start: Number(start), end: Number(end) }
    gaps.set(String(id), [...(gaps.get(String(id)) ?? []), gap])
  }
  return describeVersions(heads, gaps)
}

/** Of each actor, a text that is equal where all is equal. */
function describeVersions(
  heads: ReadonlyMap<string, number>,
  gaps: ReadonlyMap<string, readonly VersionRange[]>,
): Map<string, string> {
  return new Map(
    [...heads]
      .filter(([, head]) => head > 0)
      .map(([actorId, head]) => {
        const ranges = (gaps.get(actorId) ?? []).map(({ start, end }) => `${start}-${end}`)
        return [actorId, `${head} less ${ranges.join()}`]
      }),
  )
}
