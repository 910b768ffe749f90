import type { CorrosionClient, RequestOptions } from './client.ts'
import { asText } from './decode.ts'
import {
  cellsSql,
  decodeCellVersions,
  distinctWrites,
  type RowWrite,
  rowVersion,
} from './row-version.ts'
import { quoteIdentifier, type TableSchema } from './table-schema.ts'
import { keyText, type SqliteValue } from './values.ts'

/** What a node held for one key when it was read. */
export interface RowState {
  /** Values of the key columns, in key order. */
  key: SqliteValue[]
  /** Canonical text of the key: the same key always has the same text. */
  keyText: string
  /** Name of this state, equal on every node that has it; see `rowVersion`. */
  version: string
  /** The columns in table order; null when the row is deleted, or was never here. */
  row: Record<string, SqliteValue> | null
  /** The transactions that wrote its cells, newest first; empty when the node knows nothing of it. */
  writes: RowWrite[]
}

/** A key of a table and the name of the state its row is in. */
export interface KeyVersion {
  key: SqliteValue[]
  keyText: string
  version: string
}

/**
 * Reads rows and their cells in one statement, so each row and its version are of one moment. Gives
 * one state for each key, in no order.
 */
export async function readRows(
  client: CorrosionClient,
  schema: TableSchema,
  keys: readonly (readonly SqliteValue[])[],
  options?: RequestOptions,
): Promise<RowState[]> {
  const { keyColumns, columns } = schema
  const { rows } = await client.query([rowsSql(schema, keys.length), keys.flat()], options)
  const states = new Map<string, RowState>()
  for (const cells of rows) {
    const key = cells.slice(0, keyColumns.length)
    const values = cells.slice(keyColumns.length, -2)
    const [isLive, cellVersions] = cells.slice(-2)
    const versions = decodeCellVersions(asText(cellVersions, 'cells'))
    states.set(keyText(key), {
      key,
      keyText: keyText(key),
      version: rowVersion(versions),
      row:
        isLive === 1
          ? Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null]))
          : null,
      writes: distinctWrites(versions),
    })
  }
  return keys.map((key) => states.get(keyText(key)) ?? absent(key))
}

function absent(key: readonly SqliteValue[]): RowState {
  return { key: [...key], keyText: keyText(key), version: rowVersion([]), row: null, writes: [] }
}

function rowsSql({ table, keyColumns, columns }: TableSchema, keyCount: number): string {
  const keys = keyColumns.map(quoteIdentifier)
  const list = (of: string) => keys.map((key) => `${of}.${key}`).join(', ')
  const join = keys.map((key) => `t.${key} = p.${key}`).join(' AND ')
  const one = `(${keys.map(() => '?').join(', ')})`
  const wanted =
    keys.length === 1
      ? `${list('p')} IN (${Array<string>(keyCount).fill('?').join(', ')})`
      : `(${list('p')}) IN (VALUES ${Array<string>(keyCount).fill(one).join(', ')})`
  return `SELECT ${list('p')}, ${columns.map((column) => `t.${quoteIdentifier(column)}`).join(', ')},
    t.${keys[0]} IS NOT NULL, ${cellsSql(quoteIdentifier(`${table}__crsql_clock`))}
    FROM ${quoteIdentifier(`${table}__crsql_pks`)} p
    LEFT JOIN ${quoteIdentifier(table)} t ON ${join}
    WHERE ${wanted}`
}

/** The live keys of a table in key order, a page at a time; each page is of one moment. */
export async function* scanVersions(
  client: CorrosionClient,
  schema: TableSchema,
  pageSize: number,
  options?: RequestOptions,
): AsyncGenerator<KeyVersion[], void, undefined> {
  const width = schema.keyColumns.length
  let after: SqliteValue[] | undefined
  for (;;) {
    const sql = pageSql(schema, after !== undefined)
    const { rows } = await client.query([sql, [...(after ?? []), pageSize]], options)
    if (rows.length > 0) {
      yield rows.map((cells) => {
        const key = cells.slice(0, width)
        const versions = decodeCellVersions(asText(cells[width], 'cells'))
        return { key, keyText: keyText(key), version: rowVersion(versions) }
      })
    }
    if (rows.length < pageSize) return
    after = rows.at(-1)?.slice(0, width)
  }
}

function pageSql({ table, keyColumns }: TableSchema, hasAfter: boolean): string {
  const keys = keyColumns.map(quoteIdentifier)
  const list = keys.map((key) => `t.${key}`).join(', ')
  // The unary plus takes the column's affinity away: the key table's columns have none, and with
  // one on the other side SQLite would not use their index.
  const join = keys.map((key) => `p.${key} = +t.${key}`).join(' AND ')
  const after = hasAfter ? `WHERE (${list}) > (${keys.map(() => '?').join(', ')})` : ''
  return `SELECT ${list}, ${cellsSql(quoteIdentifier(`${table}__crsql_clock`))}
    FROM ${quoteIdentifier(table)} t JOIN ${quoteIdentifier(`${table}__crsql_pks`)} p ON ${join}
    ${after} ORDER BY ${list} LIMIT ?`
}
