import { type SqlToken, tokenize } from '../store/sql-tokens.ts'
import { StreamRefusedError } from './line-stream.ts'

/** Where the clauses of `SELECT items FROM table [[AS] alias] [WHERE condition]` are. */
export interface SelectClauses {
  items: readonly SqlToken[][]
  /** As it is written. */
  table: string
  alias: string | undefined
  /** With an INDEXED BY. */
  from: readonly SqlToken[]
  where: readonly SqlToken[]
}

export interface ColumnReference {
  qualifier: string | undefined
  name: string
}

const operators = new Set(
  'AND OR NOT IS IN LIKE GLOB MATCH REGEXP BETWEEN CASE WHEN THEN ELSE COLLATE ESCAPE DISTINCT FROM'.split(
    ' ',
  ),
)
const values = new Set(
  'NULL END ISNULL NOTNULL CURRENT_TIME CURRENT_DATE CURRENT_TIMESTAMP'.split(' '),
)
// Those at which the second bound of a BETWEEN ends.
const boundEnds = new Set(
  ', ; = ! < > ) AND OR NOT IS IN LIKE GLOB MATCH REGEXP BETWEEN WHEN THEN ELSE END ISNULL NOTNULL'.split(
    ' ',
  ),
)
const tails = new Map([
  ['GROUP', 'GROUP BY: a group is computed over the changed rows only'],
  ['HAVING', 'HAVING: a group is computed over the changed rows only'],
  ['WINDOW', 'window functions: they are computed over the changed rows only'],
  ['ORDER', 'ORDER BY: changes do not come in its order'],
  ['LIMIT', 'LIMIT: it is applied to the changed rows only'],
  ['UNION', 'compound statements: a real agent breaks on their changes'],
  ['INTERSECT', 'compound statements: a real agent breaks on their changes'],
  ['EXCEPT', 'compound statements: a real agent breaks on their changes'],
])

export function refuse(what: string): StreamRefusedError {
  return new StreamRefusedError(400, `the development agent refuses ${what}`)
}

/**
 * Reads a statement that SQLite has accepted. What a real agent refuses is refused in its words;
 * what it accepts and then follows wrongly is refused in ours.
 */
export function readSelect(sql: string, isReplicated: (table: string) => boolean): SelectClauses {
  const tokens = tokenize(sql).filter(({ text }) => text !== ';')
  const first = word(tokens[0])
  if (first === 'EXPLAIN') {
    throw new StreamRefusedError(400, 'one statement is required for matching')
  }
  const depths = depthsOf(tokens)
  const verb = tokens.find(
    (token, at) =>
      depths[at] === 0 && /^(?:SELECT|VALUES|INSERT|REPLACE|UPDATE|DELETE)$/.test(word(token)),
  )
  const isSelect = word(verb) === 'SELECT' || word(verb) === 'VALUES'
  if (first === 'WITH' && isSelect) throw refuse('WITH: changes of its parts are not followed')
  if (!verb || verb !== tokens[0] || !isSelect) {
    throw new StreamRefusedError(400, 'unsupported statement')
  }
  const find = (keyword: string, from = 0): number => {
    const at = tokens.findIndex(
      (token, index) => index >= from && depths[index] === 0 && word(token) === keyword,
    )
    return at === -1 ? tokens.length : at
  }
  const isDistinctFrom = (at: number) => word(tokens[at - 1]) === 'DISTINCT'
  let fromAt = find('FROM')
  while (isDistinctFrom(fromAt)) fromAt = find('FROM', fromAt + 1)
  if (first === 'VALUES' || fromAt === tokens.length) {
    throw new StreamRefusedError(400, 'at least 1 table is required in FROM / JOIN clause')
  }
  const isTail = ({ text }: SqlToken, at: number) =>
    depths[at] === 0 && at > fromAt && tails.has(text.toUpperCase()) && tokens[at - 1]?.text !== '.'
  const tailAt = tokens.findIndex(isTail)
  const endAt = tailAt === -1 ? tokens.length : tailAt
  const whereAt = Math.min(find('WHERE', fromAt), endAt)

  const from = tokens.slice(fromAt + 1, whereAt)
  const source = readFrom(from, isReplicated)
  const tail = tails.get(word(tokens[tailAt]))
  if (tail !== undefined) throw refuse(tail)
  if (tokens.slice(1).some((token) => word(token) === 'SELECT')) {
    throw refuse('sub-selects: changes of their tables are not followed')
  }
  if (tokens.some((token, at) => word(token) === 'OVER' && tokens[at - 1]?.text === ')')) {
    throw refuse('window functions: they are computed over the changed rows only')
  }
  const isDistinct = word(tokens[1]) === 'DISTINCT'
  if (isDistinct) throw refuse('DISTINCT: it is applied to the changed rows only')
  const itemsAt = word(tokens[1]) === 'ALL' ? 2 : 1
  return {
    ...source,
    from,
    items: splitAtCommas(tokens.slice(itemsAt, fromAt)),
    where: tokens.slice(whereAt + 1, endAt),
  }
}

function readFrom(
  tokens: readonly SqlToken[],
  isReplicated: (table: string) => boolean,
): Pick<SelectClauses, 'table' | 'alias'> {
  const at = tokens[1]?.text === '.' ? 2 : 0
  const table = tokens[at]?.text ?? ''
  if (table === '(' || tokens[at + 1]?.text === '(') {
    throw refuse('a FROM without a table: its changes are not followed')
  }
  if (!isReplicated(table)) {
    throw new StreamRefusedError(400, `table not found in schema: ${table}`)
  }
  const rest = tokens.slice(at + 1)
  if (rest.some((token) => token.text === ',' || word(token) === 'JOIN')) {
    throw refuse('joins: a real agent misses changes of their tables')
  }
  const [next, after] = rest
  const isIndex = word(next) === 'INDEXED' || (word(next) === 'NOT' && word(after) === 'INDEXED')
  const alias = isIndex ? undefined : word(next) === 'AS' ? after?.text : next?.text
  if (alias !== undefined && !isBare(alias)) {
    throw refuse(`the alias ${alias}: a real agent breaks off the connection on quotes around it`)
  }
  return { table, alias }
}

/** The columns that an expression names, but for those that Corrosion overlooks. */
export function columnReferences(expression: readonly SqlToken[]): ColumnReference[] {
  const tokens = withoutOverlooked(expression)
  const found: ColumnReference[] = []
  for (let at = 0; at < tokens.length; at++) {
    const { text = '' } = tokens[at] ?? {}
    const next = tokens[at + 1]?.text
    if (word(tokens[at]) === 'COLLATE') at++
    else if (word(tokens[at]) === 'AS') {
      while (tokens[at + 1] && tokens[at + 1]?.text !== ')') at++ // the type of a CAST
    } else if (!isName(text) || next === '(') continue
    else if (next === '.') {
      const isDeep = tokens[at + 3]?.text === '.'
      const qualifierAt = isDeep ? at + 2 : at
      found.push({
        qualifier: tokens[qualifierAt]?.text,
        name: tokens[qualifierAt + 2]?.text ?? '',
      })
      at = qualifierAt + 2
    } else found.push({ qualifier: undefined, name: text })
  }
  return found
}

/** A select item without its alias. */
export function withoutAlias(item: readonly SqlToken[]): readonly SqlToken[] {
  const depths = depthsOf(item)
  const asAt = item.findIndex((token, at) => depths[at] === 0 && word(token) === 'AS')
  if (asAt !== -1) return item.slice(0, asAt)
  const last = item.at(-1)?.text ?? ''
  const isAlias = (isName(last) || last.startsWith("'")) && endsOperand(item.at(-2)?.text)
  return isAlias ? item.slice(0, -1) : item
}

export function textOf(sql: string, tokens: readonly SqlToken[]): string {
  return sql.slice(tokens[0]?.start, tokens.at(-1)?.end)
}

/** Without quotes. */
export function isBare(name: string): boolean {
  return /^[\p{L}_]/u.test(name)
}

/**
 * Corrosion does not look for columns behind THEN nor in the bounds of BETWEEN: changes of a column
 * that is named nowhere else are not seen.
 */
function withoutOverlooked(tokens: readonly SqlToken[]): SqlToken[] {
  const kept: SqlToken[] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]
    if (!token) break
    kept.push(token)
    if (word(token) === 'THEN') at = spanEnd(tokens, at + 1, ['WHEN', 'ELSE', 'END']) - 1
    if (word(token) === 'BETWEEN') {
      const andAt = spanEnd(tokens, at + 1, ['AND'])
      at = spanEnd(tokens, andAt + 1, boundEnds) - 1
    }
  }
  return kept
}

/** The first of some tokens that is on the level of where the search begins. */
function spanEnd(tokens: readonly SqlToken[], from: number, ends: Iterable<string>): number {
  const wanted = new Set(ends)
  let level = 0
  for (let at = from; at < tokens.length; at++) {
    const text = tokens[at]?.text.toUpperCase() ?? ''
    if (level === 0 && wanted.has(text)) return at
    if (text === '(' || text === 'CASE') level++
    if (text === ')' || text === 'END') level--
    if (level < 0) return at
  }
  return tokens.length
}

function isName(text: string): boolean {
  if (/^["`[]/.test(text)) return true
  const upper = text.toUpperCase()
  return isBare(text) && !/^x'/i.test(text) && !operators.has(upper) && !values.has(upper)
}

function endsOperand(text: string | undefined): boolean {
  if (text === undefined) return false
  const upper = text.toUpperCase()
  return text === ')' || (/^[\w"'`[?$@:]/.test(text) && !operators.has(upper)) || isName(text)
}

function splitAtCommas(tokens: readonly SqlToken[]): SqlToken[][] {
  const depths = depthsOf(tokens)
  const parts: SqlToken[][] = [[]]
  tokens.forEach((token, at) => {
    if (depths[at] === 0 && token.text === ',') parts.push([])
    else parts.at(-1)?.push(token)
  })
  return parts
}

function depthsOf(tokens: readonly SqlToken[]): number[] {
  let depth = 0
  return tokens.map(({ text }) => {
    if (text === '(') return depth++
    if (text === ')') return --depth
    return depth
  })
}

/** In upper case when it is a word without quotes. */
function word(token: SqlToken | undefined): string {
  return token && isBare(token.text) ? token.text.toUpperCase() : ''
}
