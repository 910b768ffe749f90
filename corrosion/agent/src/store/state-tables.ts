import type { DatabaseSync } from 'node:sqlite'
import type { Store } from './store.ts'

/** What an agent keeps of its cluster. */
export type StateTables = Pick<
  Store,
  'clusterId' | 'setClusterId' | 'rememberedMembers' | 'rememberMembers'
>

export function createStateTables(db: DatabaseSync): StateTables {
  const readClusterId = db.prepare("SELECT value FROM __corro_state WHERE key = 'cluster_id'")
  const saveClusterId = db.prepare("INSERT OR REPLACE INTO __corro_state VALUES ('cluster_id', ?)")
  const readMembers = db.prepare(
    `SELECT lower(hex(actor_id)) AS actor_id, address, foca_state, rtt_min, updated_at
     FROM __corro_members`,
  )
  const saveMember = db.prepare(
    `INSERT INTO __corro_members (actor_id, address, foca_state, rtt_min, updated_at)
     VALUES (?, ?, ?, ?, ?)`,
  )
  return {
    clusterId: () => Number(readClusterId.get()?.value ?? 0),
    setClusterId(clusterId) {
      saveClusterId.run(clusterId)
    },
    rememberedMembers: () =>
      readMembers.all().map((row) => ({
        actorId: String(row.actor_id),
        address: String(row.address),
        focaState: String(row.foca_state),
        rttMin: row.rtt_min === null ? null : Number(row.rtt_min),
        updatedAt: String(row.updated_at),
      })),
    rememberMembers(rows) {
      db.exec('BEGIN IMMEDIATE')
      try {
        db.exec('DELETE FROM __corro_members')
        for (const { actorId, address, focaState, rttMin, updatedAt } of rows) {
          saveMember.run(Buffer.from(actorId, 'hex'), address, focaState, rttMin, updatedAt)
        }
        db.exec('COMMIT')
      } catch (error) {
        // SQLite has rolled back by itself after some errors, a full disk among them.
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    },
  }
}
