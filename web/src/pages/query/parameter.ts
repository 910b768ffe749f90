import type { Cell } from '@corroport/contracts'
import { cellText, hexOf } from './cell.ts'

export const parameterKinds = ['text', 'integer', 'number', 'blob', 'NULL'] as const
export type ParameterKind = (typeof parameterKinds)[number]

/** A parameter as it is typed; it may not be right yet. */
export interface TypedParameter {
  kind: ParameterKind
  text: string
}

const int64 = { least: -(2n ** 63n), most: 2n ** 63n - 1n }

/** What a statement is given of it, or what is wrong and what would be right. */
export function readParameter(
  { kind, text }: TypedParameter,
  least?: number,
): { cell: Cell } | { error: string } {
  const trimmed = text.trim()
  switch (kind) {
    case 'NULL':
      return { cell: null }
    case 'text':
      return { cell: text }
    case 'integer': {
      if (!/^[+-]?\d{1,19}$/.test(trimmed)) return { error: 'a whole number, such as 60' }
      const value = BigInt(trimmed)
      if (value < int64.least || value > int64.most) return { error: 'a number of 64 bits' }
      if (least !== undefined && value < BigInt(least)) return { error: `${least} or more` }
      const number = Number(value)
      return { cell: Number.isSafeInteger(number) ? number : { $integer: value.toString() } }
    }
    case 'number': {
      const number = Number(trimmed)
      const isNumber = trimmed !== '' && Number.isFinite(number)
      return isNumber ? { cell: number } : { error: 'a number, such as 0.5' }
    }
    case 'blob': {
      const hex = trimmed.replace(/^x'(.*)'$/i, '$1')
      if (!/^([\da-f]{2})*$/i.test(hex)) return { error: 'bytes in hexadecimal, such as 00ff' }
      const bytes = hex.match(/../g) ?? []
      return { cell: { $blob: btoa(bytes.map(toCharacter).join('')) } }
    }
    default: {
      const never: never = kind
      throw new Error(`unreachable: a parameter of kind ${String(never)}`)
    }
  }
}

/** The other way round, for what stands in an address. */
export function toTyped(cell: Cell): TypedParameter {
  if (cell === null) return { kind: 'NULL', text: '' }
  if (typeof cell === 'string') return { kind: 'text', text: cell }
  if (typeof cell === 'number') {
    return { kind: Number.isSafeInteger(cell) ? 'integer' : 'number', text: String(cell) }
  }
  return '$integer' in cell
    ? { kind: 'integer', text: cellText(cell) }
    : { kind: 'blob', text: hexOf(cell.$blob) }
}

function toCharacter(hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16))
}
