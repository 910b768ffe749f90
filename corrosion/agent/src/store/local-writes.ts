import type { DatabaseSync } from 'node:sqlite'
import { sentinel } from './change.ts'
import { quote } from './quote.ts'
import type { SqlRow, SqlValue } from './sql-value.ts'
import type { ReplicatedTable } from './store.ts'

/** Position of a write: what its cells are stamped with. */
export interface Stamp {
  dbVersion: number
  ts: string
}

/** The transaction that runs now, as the triggers see it. */
export interface LocalTransaction {
  /** Gives the transaction its version, the first time that something is changed. */
  stamp(table: string): Stamp
  /** Positions inside the transaction: 0, 1, 2 … */
  nextSeq(): number
}

/** What the triggers of one table do to its clock, as cr-sqlite does. */
export interface LocalWrites {
  afterInsert(key: SqlRow): void
  afterUpdate(change: { newKey: SqlRow; oldKey: SqlRow; newCells: SqlRow; oldCells: SqlRow }): void
  afterDelete(key: SqlRow): void
}

export function createLocalWrites(
  db: DatabaseSync,
  table: ReplicatedTable,
  transaction: LocalTransaction,
): LocalWrites {
  const keys = createKeyTable(db, table)
  const clock = quote(`${table.name}__crsql_clock`)
  const stamped =
    'db_version = excluded.db_version, site_id = 0, seq = excluded.seq, ts = excluded.ts'
  const insert = `INSERT INTO ${clock} (key, col_name, col_version, db_version, site_id, seq, ts)`
  // A row that is created again lives in the next odd causal length.
  const create = db.prepare(
    `${insert} VALUES (?, '${sentinel}', 1, ?, 0, ?, ?) ON CONFLICT DO UPDATE SET
       col_version = col_version + 1 + col_version % 2, ${stamped}`,
  )
  const createAgain = db.prepare(
    `UPDATE ${clock} SET col_version = col_version + 1 + col_version % 2,
       db_version = ?, site_id = 0, seq = ?, ts = ? WHERE key = ? AND col_name = '${sentinel}'`,
  )
  const bump = db.prepare(
    `${insert} VALUES (?, ?, 1, ?, 0, ?, ?) ON CONFLICT DO UPDATE SET
       col_version = col_version + 1, ${stamped}`,
  )
  const markDeleted = db.prepare(
    `${insert} VALUES (?, '${sentinel}', 2, ?, 0, ?, ?) ON CONFLICT DO UPDATE SET
       col_version = col_version + 1 + (col_version + 1) % 2, ${stamped}`,
  )
  const dropCells = db.prepare(`DELETE FROM ${clock} WHERE key = ? AND col_name <> '${sentinel}'`)
  const moveCell = db.prepare(
    `UPDATE OR REPLACE ${clock} SET key = ?, col_version = col_version + 1,
       db_version = ?, site_id = 0, seq = ?, ts = ? WHERE key = ? AND col_name = ?`,
  )

  const bumpCell = (key: bigint, column: string): void => {
    const { dbVersion, ts } = transaction.stamp(table.name)
    bump.run(key, column, dbVersion, transaction.nextSeq(), ts)
  }

  return {
    afterInsert(keyValues) {
      const { dbVersion, ts } = transaction.stamp(table.name)
      const { key, existed } = keys.add(keyValues)
      if (table.columns.length === 0) create.run(key, dbVersion, transaction.nextSeq(), ts)
      else if (existed) createAgain.run(dbVersion, transaction.nextSeq(), ts, key)
      for (const column of table.columns) bumpCell(key, column)
    },

    afterUpdate({ newKey, oldKey, newCells, oldCells }) {
      // Another key is the end of the old row and the beginning of a new one.
      if (newKey.some((value, index) => isOther(value, oldKey[index] ?? null))) {
        const { dbVersion, ts } = transaction.stamp(table.name)
        const from = keys.add(oldKey).key
        const to = keys.add(newKey).key
        markDeleted.run(from, dbVersion, transaction.nextSeq(), ts)
        create.run(to, dbVersion, transaction.nextSeq(), ts)
        for (const column of table.columns) {
          moveCell.run(to, dbVersion, transaction.nextSeq(), ts, from, column)
        }
      }
      for (const [index, column] of table.columns.entries()) {
        if (!isOther(newCells[index] ?? null, oldCells[index] ?? null)) continue
        bumpCell(keys.add(newKey).key, column)
      }
    },

    afterDelete(keyValues) {
      const { dbVersion, ts } = transaction.stamp(table.name)
      const { key } = keys.add(keyValues)
      markDeleted.run(key, dbVersion, transaction.nextSeq(), ts)
      dropCells.run(key)
    },
  }
}

/** `<table>__crsql_pks`: a number for each key that was ever used here. */
export interface KeyTable {
  add(key: SqlRow): { key: bigint; existed: boolean }
}

export function createKeyTable(db: DatabaseSync, { name, keyColumns }: ReplicatedTable): KeyTable {
  const pks = quote(`${name}__crsql_pks`)
  const columns = keyColumns.map(quote)
  const insert = db.prepare(
    `INSERT OR IGNORE INTO ${pks} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
     RETURNING __crsql_key`,
  )
  const select = db.prepare(
    `SELECT __crsql_key FROM ${pks} WHERE ${columns.map((column) => `${column} = ?`).join(' AND ')}`,
  )
  for (const statement of [insert, select]) statement.setReturnArrays(true)
  const only = (row: unknown): bigint | undefined =>
    Array.isArray(row) && typeof row[0] === 'bigint' ? row[0] : undefined
  return {
    add(values) {
      const found = only(select.get(...values))
      if (found !== undefined) return { key: found, existed: true }
      const added = only(insert.get(...values))
      if (added === undefined) throw new Error(`unreachable: a key of ${name} was not added`)
      return { key: added, existed: false }
    },
  }
}

/** Another type is another value: 1 and 1.0 differ. */
function isOther(a: SqlValue, b: SqlValue): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) !== 0
  return typeof a !== typeof b || a !== b
}
