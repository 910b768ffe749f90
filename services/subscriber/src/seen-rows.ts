import type { DatabaseSync } from 'node:sqlite'
import type { ObservedRow, Shadow, SubscriptionCursor } from '@corroport/corrosion-client'

/** Migrations of the subscriber's state file. */
export const migrations = [
  `CREATE TABLE seen_row (
     table_name TEXT NOT NULL,
     key TEXT NOT NULL,
     version TEXT NOT NULL,
     deleted_at INTEGER,
     PRIMARY KEY (table_name, key)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX seen_row_deleted ON seen_row (deleted_at) WHERE deleted_at IS NOT NULL;
   CREATE TABLE subscription_cursor (
     table_name TEXT PRIMARY KEY,
     subscription_id TEXT NOT NULL,
     change_id INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE finished_restart (restart_id TEXT PRIMARY KEY, finished_at INTEGER NOT NULL) STRICT`,
]

// A deleted row is remembered for as long as a late copy of its deletion may still be told.
const keepTombstonesMs = 3_600_000

/** The name of the last state seen of each row of one table: what was told, and so need not be again. */
export interface SeenRows extends Shadow {
  /** Inside the transaction that tells the rows. */
  apply(rows: readonly ObservedRow[], cursor: SubscriptionCursor | undefined): void
  cursor(): SubscriptionCursor | undefined
  count(): number
}

export function createSeenRows(db: DatabaseSync, table: string): SeenRows {
  const one = db.prepare(
    'SELECT version, deleted_at FROM seen_row WHERE table_name = ? AND key = ?',
  )
  const live = db.prepare(
    `SELECT key FROM seen_row WHERE table_name = ? AND key > ? AND deleted_at IS NULL
     ORDER BY key LIMIT ?`,
  )
  const put = db.prepare('INSERT OR REPLACE INTO seen_row VALUES (?, ?, ?, ?)')
  const forget = db.prepare('DELETE FROM seen_row WHERE deleted_at < ?')
  const count = db.prepare(
    'SELECT count(*) AS count FROM seen_row WHERE table_name = ? AND deleted_at IS NULL',
  )
  const putCursor = db.prepare('INSERT OR REPLACE INTO subscription_cursor VALUES (?, ?, ?)')
  const getCursor = db.prepare(
    'SELECT subscription_id, change_id FROM subscription_cursor WHERE table_name = ?',
  )
  return {
    versionOf(key) {
      const row = one.get(table, key)
      return row && { version: String(row.version), deleted: row.deleted_at !== null }
    },
    liveKeys: (after, limit) => live.all(table, after ?? '', limit).map(({ key }) => String(key)),
    apply(rows, cursor) {
      const now = Date.now()
      for (const { keyText, version, row } of rows) {
        put.run(table, keyText, version, row === null ? now : null)
      }
      if (rows.some(({ row }) => row === null)) forget.run(now - keepTombstonesMs)
      if (cursor) putCursor.run(table, cursor.subscriptionId, cursor.changeId)
    },
    cursor() {
      const row = getCursor.get(table)
      return row && { subscriptionId: String(row.subscription_id), changeId: Number(row.change_id) }
    },
    count: () => Number(count.get(table)?.count ?? 0),
  }
}
