import type { DatabaseSync } from 'node:sqlite'
import type { VersionRange } from './change.ts'

/** Which versions of which actor are held here: all up to the head, less the gaps. */
export interface Bookkeeping {
  heads(): ReadonlyMap<string, number>
  gaps(): ReadonlyMap<string, readonly VersionRange[]>
  isHeld(actorId: string, version: number): boolean
  /** Inside the caller's transaction. After its rollback, `reload`. */
  hold(actorId: string, version: number): void
  /** The actor has this version; what is missing below it is a gap. */
  learnHead(actorId: string, version: number): void
  reload(): void
}

export function createBookkeeping(db: DatabaseSync): Bookkeeping {
  const heads = new Map<string, number>()
  const gaps = new Map<string, VersionRange[]>()
  const saveHead = db.prepare(
    `INSERT INTO crsql_db_versions VALUES (?, ?)
     ON CONFLICT DO UPDATE SET db_version = max(db_version, excluded.db_version)`,
  )
  const saveGap = db.prepare('INSERT OR REPLACE INTO __corro_bookkeeping_gaps VALUES (?, ?, ?)')
  const dropGap = db.prepare(
    'DELETE FROM __corro_bookkeeping_gaps WHERE actor_id = ? AND start = ?',
  )

  /** In place of one with the same start. What cannot be written is not known either. */
  const addGap = (actorId: string, gap: VersionRange): void => {
    if (gap.end < gap.start) return
    saveGap.run(Buffer.from(actorId, 'hex'), gap.start, gap.end)
    const list = gaps.get(actorId) ?? []
    const at = list.findIndex(({ start }) => start >= gap.start)
    const isThere = list[at]?.start === gap.start
    list.splice(at === -1 ? list.length : at, isThere ? 1 : 0, gap)
    gaps.set(actorId, list)
  }
  const removeGap = (actorId: string, gap: VersionRange): void => {
    const list = (gaps.get(actorId) ?? []).filter((other) => other !== gap)
    if (list.length === 0) gaps.delete(actorId)
    else gaps.set(actorId, list)
    dropGap.run(Buffer.from(actorId, 'hex'), gap.start)
  }
  const gapAround = (actorId: string, version: number): VersionRange | undefined =>
    gaps.get(actorId)?.find(({ start, end }) => start <= version && version <= end)
  const raise = (actorId: string, version: number): void => {
    const head = heads.get(actorId) ?? 0
    if (version <= head) return
    const last = gaps.get(actorId)?.at(-1)
    addGap(actorId, { start: last?.end === head ? last.start : head + 1, end: version })
    heads.set(actorId, version)
  }

  const reload = (): void => {
    heads.clear()
    gaps.clear()
    const versions = db.prepare(
      'SELECT lower(hex(site_id)) AS id, db_version FROM crsql_db_versions',
    )
    for (const { id, db_version: version } of versions.all()) heads.set(String(id), Number(version))
    const rows = db.prepare(
      'SELECT lower(hex(actor_id)) AS id, start, end FROM __corro_bookkeeping_gaps ORDER BY 1, 2',
    )
    for (const { id, start, end } of rows.all()) {
      const actorId = String(id)
      const gap = { start: Number(start), end: Number(end) }
      gaps.set(actorId, [...(gaps.get(actorId) ?? []), gap])
      heads.set(actorId, Math.max(heads.get(actorId) ?? 0, gap.end))
    }
  }
  reload()

  return {
    heads: () => heads,
    gaps: () => gaps,
    isHeld: (actorId, version) =>
      version <= (heads.get(actorId) ?? 0) && gapAround(actorId, version) === undefined,
    hold(actorId, version) {
      raise(actorId, version)
      const gap = gapAround(actorId, version)
      if (gap) {
        removeGap(actorId, gap)
        addGap(actorId, { start: gap.start, end: version - 1 })
        addGap(actorId, { start: version + 1, end: gap.end })
      }
      saveHead.run(Buffer.from(actorId, 'hex'), version)
    },
    learnHead: raise,
    reload,
  }
}
