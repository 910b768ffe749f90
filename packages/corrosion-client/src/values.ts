import { asList, asText, isObject } from './decode.ts'
import { parseJson } from './json.ts'

/**
 * A cell as an agent gives it back. INTEGER within ±(2^53 − 1) and REAL are numbers, any other
 * INTEGER is a bigint, BLOB is a Uint8Array. NaN and infinities come as null.
 */
export type SqliteValue = null | number | bigint | string | Uint8Array

/**
 * A bound value. A boolean is bound as 1 or 0. A number without a fraction is bound as INTEGER, so
 * `1.0` is INTEGER 1: write `CAST(? AS REAL)` where the type matters.
 */
export type Parameter = SqliteValue | boolean

const minInteger = -(2n ** 63n)
const maxInteger = 2n ** 63n - 1n

/** What JSON the agent binds as this value. Throws for what it would bind as something else. */
export function encodeParameter(value: Parameter): unknown {
  if (value instanceof Uint8Array) return Array.from(value)
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new RangeError(`${value} cannot be a parameter`)
  }
  // The agent binds a larger integer as REAL, without an error.
  if (typeof value === 'bigint' && (value < minInteger || value > maxInteger)) {
    throw new RangeError(`${value} does not fit in 64 bits`)
  }
  return value
}

/** A cell from its JSON; throws when it is none. */
export function decodeValue(value: unknown): SqliteValue {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint') {
    return value
  }
  if (value === null) return null
  if (Array.isArray(value)) return Uint8Array.from(value, byte)
  throw new TypeError(`a cell is null, a number, a string or bytes, not ${typeof value}`)
}

function byte(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255) {
    return value
  }
  throw new TypeError('a blob is an array of bytes')
}

/**
 * The canonical text of a key: its values as a JSON array without spaces, integers in full, blobs as
 * `{"blob":"<hex>"}`. Equal for keys that SQLite holds to be equal (`1` and `1.0` are the same key).
 */
export function keyText(key: readonly SqliteValue[]): string {
  return `[${key.map(valueText).join(',')}]`
}

/** The values of a key from its canonical text. */
export function parseKeyText(text: string): SqliteValue[] {
  return asList(parseJson(text), 'key').map((value) =>
    isObject(value)
      ? new Uint8Array(Buffer.from(asText(value.blob, 'blob'), 'hex'))
      : decodeValue(value),
  )
}

function valueText(value: SqliteValue): string {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return `{"blob":"${Buffer.from(value).toString('hex')}"}`
  return JSON.stringify(value)
}
