import { type SqlToken, tokenize, unquote } from './sql-tokens.ts'

// Each prepares two texts as long as the statement: a hostile one must not cost minutes.
const maxRounds = 64

/** Why a text cannot be prepared: SQLite's message; undefined when it can. */
type Refusal = (sql: string) => string | undefined

// What SQLite's messages that carry an offset are about. All others carry none.
const aboutText = /^(?:near "(.*)": syntax error|unrecognized token: "(.*)")$/s
const aboutColumn = /^(?:no such column|ambiguous column name): (.*)$/s
const aboutFunction =
  /^(?:no such function: (.*)|not authorized to use function: (.*)|.*\b(?:function|aggregate:?|non-aggregate|use of) ([^\s()]+)\(\)|([^\s()]+)\(\) may not be used as a window function|second argument to ([^\s()]+)\(\) must be .*)$/s
const aboutName = /^(?:unknown database (.*)|(?:table|view) (.*) already exists)$/s

/**
 * SQLite's message as rusqlite passes it on, with the offset in bytes where SQLite has one. node:sqlite
 * does not tell the offset, so it is found by preparing changed texts: `refusalOf` says what SQLite
 * thinks of one.
 */
export function describePrepareError(message: string, sql: string, refusalOf: Refusal): string {
  const offset = findOffset(message, sql, refusalOf)
  return offset === undefined
    ? message
    : `${message} in ${sql} at offset ${Buffer.byteLength(sql.slice(0, offset))}`
}

function findOffset(message: string, sql: string, refusalOf: Refusal): number | undefined {
  const tokens = tokenize(sql)
  const text = captured(aboutText, message)
  if (text !== undefined) return findText(text, message, { sql, tokens, refusalOf })
  const column = captured(aboutColumn, message)
  if (column !== undefined) {
    return findName(columnsNamed(column, tokens), message, { sql, refusalOf })
  }
  const call = captured(aboutFunction, message)
  if (call !== undefined) {
    const calls = tokens.filter(
      (token, index) => isNamed(token, call) && tokens[index + 1]?.text === '(',
    )
    return findName(
      calls.map((token) => ({ start: token.start, name: token })),
      message,
      { sql, refusalOf },
    )
  }
  const name = captured(aboutName, message)
  if (name !== undefined) return tokens.find((token) => isNamed(token, name))?.start
  if (message.startsWith('variable number must be between')) {
    return tokens.find(({ text: token }) => /^\?\d/.test(token) && !isVariableNumber(token))?.start
  }
  return undefined
}

/**
 * The parser goes from left to right: a text cut off behind the wrong token, or later, is refused
 * alike, and one cut off before it is not.
 */
function findText(
  text: string,
  message: string,
  { sql, tokens, refusalOf }: { sql: string; tokens: SqlToken[]; refusalOf: Refusal },
): number | undefined {
  const starts = tokens
    .filter(({ start, end }) => sql.startsWith(text, start) && end <= start + text.length)
    .map(({ start }) => start)
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const end = (starts[middle] ?? 0) + text.length
    if (refusalOf(sql.slice(0, end)) === message) high = middle
    else low = middle + 1
  }
  return starts[low]
}

/** A name, and where the expression begins that it is the last part of. */
interface Candidate {
  start: number
  name: SqlToken
}

/**
 * Which of several equal names SQLite stumbles over: with all of them made unknown, it names the one
 * that it resolves first; if that one, made right again, is still refused, it is the one.
 */
function findName(
  candidates: readonly Candidate[],
  message: string,
  { sql, refusalOf }: { sql: string; refusalOf: Refusal },
): number | undefined {
  let rest = candidates
  for (let round = 0; rest.length > 1; round++) {
    if (round === maxRounds) return undefined
    const changed = refusalOf(withUnknown(sql, rest))
    const first = rest.find((_, index) => changed?.includes(unknownName(index)))
    if (first === undefined) return undefined
    const others = rest.filter((candidate) => candidate !== first)
    if (refusalOf(withUnknown(sql, others)) === message) return first.start
    rest = others
  }
  return rest[0]?.start
}

function withUnknown(sql: string, candidates: readonly Candidate[]): string {
  let text = ''
  let end = 0
  candidates.forEach(({ name }, index) => {
    text += sql.slice(end, name.start) + unknownName(index)
    end = name.end
  })
  return text + sql.slice(end)
}

function unknownName(index: number): string {
  return `corro_unknown_${index}_`
}

/** Columns of that name, but for those that UPDATE sets: SQLite has no offset for them. */
function columnsNamed(column: string, tokens: readonly SqlToken[]): Candidate[] {
  const parts = column.split('.')
  const set = setColumns(tokens)
  const found: Candidate[] = []
  tokens.forEach((name, index) => {
    const first = index - 2 * (parts.length - 1)
    const isColumn = parts.every((part, at) => {
      const token = tokens[first + 2 * at]
      return token !== undefined && isNamed(token, part) && (at === 0 || dotBefore(first + 2 * at))
    })
    if (isColumn && !set.has(name)) {
      found.push({ start: tokens[first]?.start ?? name.start, name })
    }
  })
  return found

  function dotBefore(index: number): boolean {
    return tokens[index - 1]?.text === '.'
  }
}

/** The columns between SET and `=`. */
function setColumns(tokens: readonly SqlToken[]): Set<SqlToken> {
  const columns = new Set<SqlToken>()
  let depth = 0
  let setDepth: number | undefined
  let isTarget = false
  for (const token of tokens) {
    const word = token.text.toLowerCase()
    if (word === '(') depth++
    else if (word === ')') depth--
    else if (word === 'set') {
      setDepth = depth
      isTarget = true
    } else if (depth === setDepth && /^(?:from|where|returning)$/.test(word)) setDepth = undefined
    else if (word === '=') isTarget = false
    else if (word === ',') isTarget ||= depth === setDepth
    else if (isTarget && setDepth !== undefined) columns.add(token)
  }
  return columns
}

function isNamed(token: SqlToken, name: string): boolean {
  return unquote(token.text) === name
}

function isVariableNumber(text: string): boolean {
  const number = Number(text.slice(1))
  return number >= 1 && number <= 32_766
}

function captured(pattern: RegExp, message: string): string | undefined {
  return pattern
    .exec(message)
    ?.slice(1)
    .find((group) => group !== undefined)
}
