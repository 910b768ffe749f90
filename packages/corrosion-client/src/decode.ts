import { CorrosionProtocolError } from './errors.ts'
import { parseJson } from './json.ts'

// Shapes of what an agent answers, checked by hand: this package depends on nothing but Node.

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function parseObject(text: string, what: string): JsonObject {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (error) {
    throw new CorrosionProtocolError(`${what} is no JSON: ${text.slice(0, 80)}`, { cause: error })
  }
  return asObject(value, what)
}

export function asObject(value: unknown, what: string): JsonObject {
  if (isObject(value)) return value
  throw new CorrosionProtocolError(`${what} is not an object`)
}

export function asList(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new CorrosionProtocolError(`${what} is not a list`)
}

export function asText(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  throw new CorrosionProtocolError(`${what} is not a text`)
}

export function asNumber(value: unknown, what: string): number {
  if (typeof value === 'number') return value
  throw new CorrosionProtocolError(`${what} is not a number`)
}

export function asInteger(value: unknown, what: string): number | bigint {
  if (typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))) {
    return value
  }
  throw new CorrosionProtocolError(`${what} is not an integer`)
}
