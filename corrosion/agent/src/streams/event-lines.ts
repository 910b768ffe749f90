import type { SqlRow, SqlValue } from '../store/sql-value.ts'
import { realText, rowText } from '../value-text.ts'

export type ChangeType = 'insert' | 'update' | 'delete'

export function columnsLine(names: readonly string[]): string {
  return `{"columns":${JSON.stringify(names)}}\n`
}

export function rowLine(rowId: SqlValue, cells: SqlRow): string {
  return `{"row":[${String(rowId)},${rowText(cells)}]}\n`
}

export function endOfQueryLine(seconds: number, changeId: number): string {
  return `{"eoq":{"time":${realText(seconds)},"change_id":${changeId}}}\n`
}

export function changeLine(type: ChangeType, rowId: SqlValue, cells: SqlRow, id: number): string {
  return `{"change":["${type}",${String(rowId)},${rowText(cells)},${id}]}\n`
}

export function errorLine(message: string): string {
  return `{"error":${JSON.stringify(message)}}\n`
}

export function notifyLine(type: 'update' | 'delete', key: SqlRow): string {
  return `{"notify":["${type}",${rowText(key)}]}\n`
}
