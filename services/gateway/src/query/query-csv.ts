import type { Cell, QueryTable } from '@corroport/contracts'
import { type Cell as CsvCell, toCsv } from '../csv.ts'

/** With the names of the columns as its first line; bytes are base64. */
export function toTableCsv({ columns, rows }: QueryTable): string {
  return toCsv([columns, ...rows.map((row) => row.map(toCsvCell))])
}

function toCsvCell(cell: Cell): CsvCell {
  if (typeof cell !== 'object' || cell === null) return cell
  return '$integer' in cell ? BigInt(cell.$integer) : cell.$blob
}
