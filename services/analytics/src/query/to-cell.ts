import { type Cell, toCell } from '@corroport/contracts'
import { types } from 'pg'

// Numbers, as they come beside the values.
const builtins: Readonly<Record<keyof typeof types.builtins, number>> = types.builtins

/**
 * A value of Postgres, from its text. Integers and floats are numbers, beyond 2^53 a tagged integer;
 * bytea is a blob; times are ISO 8601 in UTC; all else is the text of Postgres: numeric, whose digits
 * a number would lose, booleans (`true`), jsonb, arrays.
 */
export function cellOf(text: string | null, type: number): Cell {
  if (text === null) return null
  switch (type) {
    case builtins.INT2:
    case builtins.INT4:
    case builtins.OID:
      return Number(text)
    case builtins.INT8: {
      const number = Number(text)
      return Number.isSafeInteger(number) ? number : { $integer: text }
    }
    case builtins.FLOAT4:
    case builtins.FLOAT8: {
      const number = Number(text)
      return Number.isFinite(number) ? number : text
    }
    case builtins.BYTEA:
      return toCell(Buffer.from(text.slice(2), 'hex'))
    case builtins.BOOL:
      return text === 't' ? 'true' : 'false'
    case builtins.TIMESTAMPTZ:
      return text.replace(/^(\d{4,}-\d\d-\d\d) ([\d:.]+)\+00$/, '$1T$2Z')
    default:
      return text
  }
}
