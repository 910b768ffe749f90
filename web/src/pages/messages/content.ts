import { maxContentBytes } from '@corroport/contracts'
import { formatCount } from '../../format/number.ts'

/** In UTF-8, as the limit counts. */
export function sizeOf(content: string): number {
  return new TextEncoder().encode(content).length
}

/** Why a text cannot be sent, and what could be; undefined when it can. */
export function problemOf(content: string): string | undefined {
  if (content === '') return 'write something: a message has at least one character'
  const tooMany = sizeOf(content) - maxContentBytes
  if (tooMany > 0) return `${formatCount(tooMany)} bytes too many: shorten it`
  if (!content.isWellFormed()) return 'it holds half of a character: type its end anew'
  return undefined
}
