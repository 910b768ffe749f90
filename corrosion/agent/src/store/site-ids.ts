import type { DatabaseSync } from 'node:sqlite'

/** `crsql_site_id`: the numbers under which clock tables name actors. This agent is number 0. */
export interface SiteIds {
  /** Undefined of an actor that has written nothing that is held here. */
  find(actorId: string): number | undefined
  /** Inside the caller's transaction. After its rollback, `reload`. */
  add(actorId: string): number
  actorOf(ordinal: number): string
  reload(): void
}

export function createSiteIds(db: DatabaseSync): SiteIds {
  const ordinals = new Map<string, number>()
  const actors = new Map<number, string>()
  const select = db.prepare('SELECT lower(hex(site_id)) AS id, ordinal FROM crsql_site_id')
  const insert = db.prepare('INSERT INTO crsql_site_id VALUES (?, ?)')
  const remember = (actorId: string, ordinal: number): void => {
    ordinals.set(actorId, ordinal)
    actors.set(ordinal, actorId)
  }
  const reload = (): void => {
    ordinals.clear()
    actors.clear()
    for (const { id, ordinal } of select.all()) remember(String(id), Number(ordinal))
  }
  reload()
  return {
    find: (actorId) => ordinals.get(actorId),
    add(actorId) {
      const known = ordinals.get(actorId)
      if (known !== undefined) return known
      const ordinal = ordinals.size
      insert.run(Buffer.from(actorId, 'hex'), ordinal)
      remember(actorId, ordinal)
      return ordinal
    },
    actorOf(ordinal) {
      const actorId = actors.get(ordinal)
      if (actorId === undefined) throw new Error(`unreachable: no actor has the number ${ordinal}`)
      return actorId
    },
    reload,
  }
}
