import type { SqlValue } from './sql-value.ts'

/** Corrosion's SQL function: whether all of the first JSON text is in the second. */
export function corroJsonContains(selector: SqlValue, object: SqlValue): bigint {
  return contains(parse(selector), parse(object)) ? 1n : 0n
}

function contains(selector: unknown, object: unknown): boolean {
  if (isObject(selector) && isObject(object)) {
    return Object.entries(selector).every(
      ([key, value]) => Object.hasOwn(object, key) && contains(value, object[key]),
    )
  }
  return isSame(selector, object)
}

function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => isSame(item, b[index]))
  }
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a)
    if (keys.length !== Object.keys(b).length) return false
    return keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]))
  }
  return a === b
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Integers are bigint, so that 1 and 1.0 differ as they do for Corrosion. */
function parse(text: SqlValue): unknown {
  if (typeof text !== 'string') throw new TypeError('Invalid column type')
  return JSON.parse(text, (_key, value: unknown, { source = '' }) =>
    typeof value === 'number' && /^-?\d+$/.test(source) ? BigInt(source) : value,
  )
}
