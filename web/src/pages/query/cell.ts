import type { Cell } from '@corroport/contracts'

export type { Cell }

type CellKind = 'NULL' | 'integer' | 'real' | 'text' | 'blob'

export function isCell(value: unknown): value is Cell {
  if (value === null || typeof value === 'number' || typeof value === 'string') return true
  if (typeof value !== 'object') return false
  const [[name, content] = [], ...more] = Object.entries(value)
  if (more.length > 0 || typeof content !== 'string') return false
  if (name === '$integer') return /^-?\d{1,19}$/.test(content)
  return name === '$blob' && bytesOf(content) !== undefined
}

export function kindOf(cell: Cell): CellKind {
  if (cell === null) return 'NULL'
  if (typeof cell === 'number') return Number.isInteger(cell) ? 'integer' : 'real'
  if (typeof cell === 'string') return 'text'
  return '$integer' in cell ? 'integer' : 'blob'
}

/** The kinds that a column has, such as `integer, NULL`. */
export function kindsOf(cells: readonly Cell[]): string {
  return [...new Set(cells.map(kindOf))].toSorted().join(', ')
}

/** Whole, for a person: numbers with all digits, bytes as SQL writes them. */
export function cellText(cell: Cell): string {
  if (cell === null) return 'NULL'
  if (typeof cell !== 'object') return String(cell)
  return '$integer' in cell ? cell.$integer : `x'${hexOf(cell.$blob)}'`
}

/** For files of comma-separated values, as the gateway writes them: bytes are base64. */
export function plainValue(cell: Cell): string | number | bigint | null {
  if (typeof cell !== 'object' || cell === null) return cell
  return '$integer' in cell ? BigInt(cell.$integer) : cell.$blob
}

/** NULL is not sorted among the texts. */
export function sortValue(cell: Cell): string | number | null {
  if (typeof cell !== 'object' || cell === null) return cell
  return '$integer' in cell ? Number(cell.$integer) : hexOf(cell.$blob)
}

export function sizeOf({ $blob: base64 }: { $blob: string }): number {
  return bytesOf(base64)?.length ?? 0
}

export function hexOf(base64: string): string {
  const codes = Array.from(bytesOf(base64) ?? '', (byte) => byte.charCodeAt(0))
  return codes.map((code) => code.toString(16).padStart(2, '0')).join('')
}

/** Each character is one byte; undefined where it is no base64. */
function bytesOf(base64: string): string | undefined {
  try {
    return atob(base64)
  } catch {
    return undefined
  }
}
