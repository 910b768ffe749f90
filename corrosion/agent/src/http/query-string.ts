import { messageOf } from '../error-message.ts'
import { type Call, RefusedCallError } from './call.ts'

/**
 * Gives each parameter of these names to its reader, which throws what Rust says of a wrong one; others
 * are passed over. Throws `RefusedCallError`.
 */
export function readQuery(
  { search }: Call,
  readers: Readonly<Record<string, (text: string) => void>>,
): void {
  const seen = new Set<string>()
  for (const [name, text] of new URLSearchParams(search)) {
    if (!Object.hasOwn(readers, name)) continue
    if (seen.has(name)) throw refused(`duplicate field \`${name}\``)
    seen.add(name)
    try {
      readers[name]?.(text)
    } catch (error) {
      throw refused(`${name}: ${messageOf(error)}`)
    }
  }
}

export const unsigned64 = integer(0n, 2n ** 64n - 1n)
export const unsigned16 = integer(0n, 2n ** 16n - 1n)
export const signed64 = integer(-(2n ** 63n), 2n ** 63n - 1n)

function integer(min: bigint, max: bigint): (text: string) => number {
  const form = min < 0n ? /^[+-]?\d+$/ : /^\+?\d+$/
  return (text) => {
    if (text === '') throw new Error('cannot parse integer from empty string')
    if (!form.test(text)) throw new Error('invalid digit found in string')
    const value = BigInt(text.replace('+', ''))
    if (value > max) throw new Error('number too large to fit in target type')
    if (value < min) throw new Error('number too small to fit in target type')
    return Number(value)
  }
}

export function float(text: string): number {
  if (text === '') throw new Error('cannot parse float from empty string')
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(text)
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity
  if (/^[+-]?nan$/i.test(text)) return Number.NaN
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) {
    throw new Error('invalid float literal')
  }
  return Number(text)
}

export function flag(text: string): boolean {
  if (text !== 'true' && text !== 'false') {
    throw new Error('provided string was not `true` or `false`')
  }
  return text === 'true'
}

function refused(message: string): RefusedCallError {
  return new RefusedCallError(400, `Failed to deserialize query string: ${message}`)
}
