import { hash } from 'node:crypto'
import { asInteger, asList, asText } from './decode.ts'
import { parseJson } from './json.ts'

/** A transaction that wrote cells of a row. */
export interface RowWrite {
  /** The writer's site id, 32 hex digits. */
  siteId: string
  /** The writer's transaction number. */
  dbVersion: number | bigint
  /** The writer's hybrid-logical time, NTP64 in decimal; `0` where the agent does not know it. */
  ts: string
}

/** Who wrote a cell last, as every node that has this state of the row agrees on. */
export interface CellVersion extends RowWrite {
  /** `-1` for the cell that says whether the row lives. */
  column: string
}

/** The cells of the row whose `__crsql_key` is `p.__crsql_key`, as JSON text. */
export function cellsSql(quotedClockTable: string): string {
  return `(SELECT json_group_array(json_array(c.col_name, lower(hex(s.site_id)), c.db_version, c.ts))
    FROM ${quotedClockTable} c JOIN crsql_site_id s ON s.ordinal = c.site_id
    WHERE c.key = p.__crsql_key)`
}

export function decodeCellVersions(text: string): CellVersion[] {
  return asList(parseJson(text), 'cells').map((cell) => {
    const [column, siteId, dbVersion, ts] = asList(cell, 'cell')
    return {
      column: asText(column, 'col_name'),
      siteId: asText(siteId, 'site_id'),
      dbVersion: asInteger(dbVersion, 'db_version'),
      ts: String(ts),
    }
  })
}

/**
 * The name of a row state: 128 bits of SHA-256, in hex, over its cells `(column, site, db_version)`
 * sorted by column. Every node, both feeds, a restart and a second read give a state the same name,
 * because Corrosion replicates these three with the value. Unique within one table and key.
 */
export function rowVersion(cells: readonly CellVersion[]): string {
  const lines = cells.map(({ column, siteId, dbVersion }) =>
    JSON.stringify([column, siteId, dbVersion.toString()]),
  )
  return hash('sha256', lines.toSorted().join('\n'), 'hex').slice(0, 32)
}

/** The transactions behind a row's cells, each once, newest first. */
export function distinctWrites(cells: readonly CellVersion[]): RowWrite[] {
  const writes = new Map<string, RowWrite>()
  for (const { siteId, dbVersion, ts } of cells) {
    writes.set(`${siteId} ${dbVersion}`, { siteId, dbVersion, ts })
  }
  return [...writes.values()].toSorted((a, b) => compare(BigInt(b.ts), BigInt(a.ts)))
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Unix microseconds of an NTP64 time (seconds in the upper 32 bits, their fraction in the lower). */
export function ntp64ToMicroseconds(ts: string): number {
  const time = BigInt(ts)
  return Number(time >> 32n) * 1e6 + (Number(time & 0xffffffffn) * 1e6) / 2 ** 32
}
