import type { DatabaseSync } from 'node:sqlite'
import { type Change, sentinel } from './change.ts'
import { quote, quoteText } from './quote.ts'
import type { SqlValue } from './sql-value.ts'
import type { ReplicatedTable } from './store.ts'

/** The cells of one table that a version of one site still has, by `seq`. */
export type ReadChanges = (siteOrdinal: number, version: number) => { change: Change; ts: bigint }[]

export function createReadChanges(db: DatabaseSync, table: ReplicatedTable): ReadChanges {
  const read = db.prepare(
    `SELECT c.col_name, c.col_version, ${causalLength(table)}, c.seq, c.ts, ${value(table)},
       crsql_pack_columns(${packedKey(table)})
     FROM ${source(table)} WHERE c.site_id = ? AND c.db_version = ?`,
  )
  read.setReturnArrays(true)
  return (siteOrdinal, version) =>
    read.all(siteOrdinal, version).map((row) => {
      const [cid, colVersion, cl, seq, ts, val = null, pk]: SqlValue[] = Object.values(row)
      if (!(pk instanceof Uint8Array)) throw new Error('unreachable: a packed key is no blob')
      const change = {
        table: table.name,
        pk,
        cid: String(cid),
        val,
        colVersion: Number(colVersion),
        cl: Number(cl),
        seq: Number(seq),
      }
      return { change, ts: BigInt(String(ts)) }
    })
}

/** `crsql_changes` over all replicated tables, to be read by people. */
export function changesViewSql(tables: Iterable<ReplicatedTable>): string {
  const parts = [...tables].map(
    (table) => `SELECT * FROM (SELECT ${quoteText(table.name)} AS "table",
      crsql_pack_columns(${packedKey(table)}) AS pk, c.col_name AS cid, ${value(table)} AS val,
      c.col_version, c.db_version, s.site_id, ${causalLength(table)} AS cl, c.seq, c.ts
      FROM ${source(table)} JOIN crsql_site_id s ON s.ordinal = c.site_id
      ORDER BY c.db_version, c.seq)`,
  )
  const empty = `SELECT NULL AS "table", NULL AS pk, NULL AS cid, NULL AS val, NULL AS col_version,
    NULL AS db_version, NULL AS site_id, NULL AS cl, NULL AS seq, NULL AS ts WHERE 0`
  return `CREATE VIEW crsql_changes AS ${parts.length === 0 ? empty : parts.join('\nUNION ALL\n')}`
}

function source({ name, keyColumns }: ReplicatedTable): string {
  const isSame = keyColumns.map((column) => `t.${quote(column)} = p.${quote(column)}`).join(' AND ')
  return `${quote(`${name}__crsql_clock`)} c
    JOIN ${quote(`${name}__crsql_pks`)} p ON p.__crsql_key = c.key
    LEFT JOIN ${quote(name)} t ON ${isSame}`
}

function packedKey({ keyColumns }: ReplicatedTable): string {
  return keyColumns.map((column) => `p.${quote(column)}`).join(', ')
}

function causalLength({ name }: ReplicatedTable): string {
  return `coalesce((SELECT l.col_version FROM ${quote(`${name}__crsql_clock`)} l
    WHERE l.key = c.key AND l.col_name = '${sentinel}'), 1)`
}

function value({ columns }: ReplicatedTable): string {
  const cases = columns.map((column) => `WHEN ${quoteText(column)} THEN t.${quote(column)}`)
  return cases.length === 0 ? 'NULL' : `CASE c.col_name ${cases.join(' ')} END`
}
