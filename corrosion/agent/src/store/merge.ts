import type { DatabaseSync } from 'node:sqlite'
import { type Change, sentinel } from './change.ts'
import { createKeyTable } from './local-writes.ts'
import { unpackKey } from './packed-key.ts'
import { quote } from './quote.ts'
import type { SqlRow, SqlValue } from './sql-value.ts'
import type { ReplicatedTable } from './store.ts'

/** Where a change comes from. */
export interface Origin {
  actorId: string
  /** Its number in `crsql_site_id` here. */
  ordinal: number
  version: number
  ts: bigint
}

/** Whether the change won, if only over equal content of another actor. */
export type Merge = (change: Change, origin: Origin) => boolean

/**
 * Takes one change of another actor into a table. The order of rules is cr-sqlite's: causal length,
 * then column version, then value, then actor. What loses leaves no trace.
 */
export function createMerge(
  db: DatabaseSync,
  table: ReplicatedTable,
  actorIdOf: (ordinal: number) => string,
): Merge {
  const keys = createKeyTable(db, table)
  const clock = quote(`${table.name}__crsql_clock`)
  const target = quote(table.name)
  const keyColumns = table.keyColumns.map(quote)
  const isKey = keyColumns.map((column) => `${column} = ?`).join(' AND ')

  const causalLength = db.prepare(
    `SELECT coalesce((SELECT col_version FROM ${clock} WHERE key = ?1 AND col_name = '${sentinel}'),
       (SELECT 1 FROM ${clock} WHERE key = ?1 LIMIT 1), 0)`,
  )
  const cell = db.prepare(
    `SELECT col_version, site_id FROM ${clock} WHERE key = ? AND col_name = ?`,
  )
  const setCell = db.prepare(
    `INSERT OR REPLACE INTO ${clock} (key, col_name, col_version, db_version, site_id, seq, ts)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const deleteRow = db.prepare(`DELETE FROM ${target} WHERE ${isKey}`)
  const dropCells = db.prepare(`DELETE FROM ${clock} WHERE key = ? AND col_name <> '${sentinel}'`)
  const createRow = db.prepare(
    `INSERT OR IGNORE INTO ${target} (${keyColumns.join(', ')}) VALUES (${keyColumns.map(() => '?').join(', ')})`,
  )
  const zeroCells = db.prepare(
    `UPDATE ${clock} SET col_version = 0 WHERE key = ? AND col_name <> '${sentinel}'`,
  )
  const columns = new Map(
    table.columns.map((name) => {
      const column = quote(name)
      const read = db.prepare(`SELECT ${column} FROM ${target} WHERE ${isKey}`)
      read.setReturnArrays(true)
      const write = db.prepare(
        `INSERT INTO ${target} (${[...keyColumns, column].join(', ')})
         VALUES (${keyColumns.map(() => '?').join(', ')}, ?)
         ON CONFLICT DO UPDATE SET ${column} = excluded.${column}`,
      )
      return [name, { read, write }]
    }),
  )
  causalLength.setReturnArrays(true)
  cell.setReturnArrays(true)

  const numbers = (row: unknown): number[] | undefined =>
    Array.isArray(row) ? row.map(Number) : undefined
  const currentValue = (column: string, key: SqlRow): SqlValue => {
    const row: unknown = columns.get(column)?.read.get(...key)
    return Array.isArray(row) ? row[0] : null
  }

  return (change, origin) => {
    const { cid, cl, colVersion, val, seq } = change
    const keyValues = unpackKey(change.pk)
    if (keyValues.length !== keyColumns.length) {
      throw new Error(`a key of ${keyValues.length} values for table ${table.name}`)
    }
    const { key } = keys.add(keyValues)
    const localLength = numbers(causalLength.get(key))?.[0] ?? 0
    const win = (column: string, version: number): true => {
      setCell.run(key, column, version, origin.version, origin.ordinal, seq, String(origin.ts))
      return true
    }

    /** The same content from two actors: the larger one's metadata stays, on every node. */
    const isLaterActor = (of: bigint, column: string): boolean => {
      const [, localOrdinal = 0] = numbers(cell.get(of, column)) ?? []
      return origin.actorId > actorIdOf(localOrdinal)
    }

    if (cl < localLength) return false
    if (cl % 2 === 0) {
      if (cl === localLength) {
        return isLaterActor(key, sentinel) && win(sentinel, colVersion)
      }
      deleteRow.run(...keyValues)
      dropCells.run(key)
      return win(sentinel, colVersion)
    }
    const isResurrected = cl > localLength
    if (cid === sentinel) {
      if (!isResurrected) return false
      createRow.run(...keyValues)
      zeroCells.run(key)
      return win(sentinel, colVersion)
    }
    const column = columns.get(cid)
    if (column === undefined) throw new Error(`no such column: ${table.name}.${cid}`)
    if (isResurrected && (localLength > 0 || cl > 1)) {
      createRow.run(...keyValues)
      zeroCells.run(key)
      win(sentinel, cl)
    }
    if (!isResurrected && localLength > 0) {
      const [localVersion] = numbers(cell.get(key, cid)) ?? []
      if (localVersion !== undefined) {
        if (colVersion < localVersion) return false
        if (colVersion === localVersion) {
          const order = compareValues(val, currentValue(cid, keyValues))
          if (order < 0) return false
          if (order === 0 && !isLaterActor(key, cid)) return false
        }
      }
    }
    column.write.run(...keyValues, val)
    return win(cid, colVersion)
  }
}

/** INTEGER > REAL > TEXT > BLOB > NULL; of one type the larger, of bytes the later. */
function compareValues(a: SqlValue, b: SqlValue): number {
  const difference = rank(a) - rank(b)
  if (difference !== 0) return difference
  if (a === null || b === null) return 0
  const isNumber = (value: SqlValue) => typeof value === 'bigint' || typeof value === 'number'
  if (isNumber(a) && isNumber(b)) return a < b ? -1 : a > b ? 1 : 0
  return Buffer.compare(toBytes(a), toBytes(b))
}

function rank(value: SqlValue): number {
  if (value === null) return 0
  if (value instanceof Uint8Array) return 1
  if (typeof value === 'string') return 2
  return typeof value === 'number' ? 3 : 4
}

function toBytes(value: SqlValue): Uint8Array {
  return value instanceof Uint8Array ? value : Buffer.from(String(value))
}
