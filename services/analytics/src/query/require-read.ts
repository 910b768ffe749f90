import { RefusalError } from '@corroport/bus'

const reading = ['SELECT', 'VALUES', 'WITH', 'TABLE']

/**
 * The first word of a statement that only reads; throws for any other. It is the first of three: a
 * cursor takes nothing that writes, and the role may not.
 */
export function requireRead(sql: string): 'EXPLAIN' | 'query' {
  if (sql.includes('\0')) throw refused('a NUL character in a statement')
  // Postgres ends a comment at a CR too: what stands behind it is a statement, not a comment.
  const words = sql.matchAll(/\/\*|--[^\r\n]*|\s+|(?<bracket>\()|(?<word>[a-z]+)|(?<other>[^])/giy)
  let depth = 0
  let isExplained = false
  for (const { 0: text, groups: { bracket, word, other } = {} } of words) {
    // They nest, which none of ours has to be able to read.
    if (text === '/*') throw refused('a comment may not come first')
    if (bracket !== undefined) depth++
    if (other === ')') depth--
    const verb = word?.toUpperCase() ?? other
    const isOption = isExplained && (depth > 0 || ['ANALYZE', 'VERBOSE', ')'].includes(verb ?? ''))
    if (verb === undefined || isOption) continue
    if (verb === 'EXPLAIN' && !isExplained) isExplained = true
    else if (reading.includes(verb)) return isExplained ? 'EXPLAIN' : 'query'
    else throw refused(`only SELECT, VALUES, WITH, TABLE and EXPLAIN of these, not ${verb}`)
  }
  throw refused('there is no statement')
}

function refused(message: string): RefusalError {
  return new RefusalError('invalid', message)
}
