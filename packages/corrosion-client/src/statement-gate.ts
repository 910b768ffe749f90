import { StatementRefusedError } from './errors.ts'

/**
 * Throws unless `sql` is one single statement that only reads: SELECT, VALUES, WITH that ends in one
 * of these, or EXPLAIN [QUERY PLAN] of these.
 *
 * An agent lets BEGIN, ATTACH and PRAGMA through `/v1/queries`, and its pooled connections keep that
 * state: after one BEGIN, later reads are stale and writes of that node stop replicating. Functions of
 * cr-sqlite change that state too, from within a SELECT.
 */
export function requireOneRead(sql: string): void {
  const tokens = tokenize(sql)
  const words = tokens.values()
  let verb = nextWord(words)
  if (verb === 'EXPLAIN') {
    verb = nextWord(words)
    if (verb === 'QUERY' && nextWord(words) === 'PLAN') verb = nextWord(words)
  }
  if (verb === 'WITH') verb = verbAfterTables(words)
  if (verb !== 'SELECT' && verb !== 'VALUES') {
    throw new StatementRefusedError(
      `only SELECT, VALUES, WITH and EXPLAIN of these may be queried, not ${verb ?? 'nothing'}`,
    )
  }
  const end = tokens.indexOf(';')
  if (end !== -1 && tokens.slice(end).some((token) => token !== ';')) {
    throw new StatementRefusedError('one statement at a time, but text follows a semicolon')
  }
}

function nextWord(tokens: Iterator<string>): string | undefined {
  return tokens.next().value
}

/** The word after the common tables: the first that follows a closing bracket and is not AS. */
function verbAfterTables(tokens: Iterator<string>): string | undefined {
  let depth = 0
  let previous: string | undefined
  for (;;) {
    const { value: token, done } = tokens.next()
    if (done) return undefined
    if (token === '(') depth++
    else if (token === ')') depth--
    else if (depth === 0 && previous === ')' && token !== 'AS' && token !== ',') return token
    previous = token
  }
}

// As SQLite's own tokenizer cuts: comments, quoted things, variables, words, single characters.
const tokenPattern =
  /[ \t\n\f\r]+|--[^\n]*|\/\*[^]*?(?:\*\/|$)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[$@:#](?:::|[\w$\u0080-\uffff])+|[\w$\u0080-\uffff]+|[^]/y

// cr-sqlite's others finalise its statements, or move its clock and counters, on that connection.
const readingFunctions = new Set(
  ['site_id', 'db_version', 'pack_columns', 'unpack_columns'].map(
    (name) => `CRSQL_${name.toUpperCase()}`,
  ),
)

/** Words in upper case, brackets, commas and semicolons as they are, anything else as `?`. */
function tokenize(sql: string): string[] {
  const tokens: string[] = []
  let previous = ''
  // SQLite stops reading at a NUL; what follows it would be judged here but not there.
  if (sql.includes('\0')) throw new StatementRefusedError('a NUL character in a statement')
  for (const [text] of sql.matchAll(new RegExp(tokenPattern, 'gy'))) {
    const first = text.charAt(0)
    if (' \t\n\f\r'.includes(first) || text.startsWith('--') || text.startsWith('/*')) continue
    if (text.length === 1 && `'"\`[`.includes(first)) {
      throw new StatementRefusedError(`a quotation that begins with ${first} does not end`)
    }
    // SQLite reads $name(anything) as one variable, quotes and semicolons included.
    if (first === '(' && tokens.at(-1) === '$') {
      throw new StatementRefusedError('a variable that is followed by a bracket')
    }
    if (first === '(') refuseCallOf(previous)
    previous = text
    if (text.length > 1 && '$@:#'.includes(first)) tokens.push('$')
    else if (/^[\w\u0080-\uffff]/.test(text)) tokens.push(text.toUpperCase())
    else tokens.push('(),;'.includes(first) ? first : '?')
  }
  return tokens
}

/** The name may be quoted, which a text in single quotes never is. */
function refuseCallOf(token: string): void {
  const name = token.replace(/^["`[](.*)["`\]]$/s, '$1').toUpperCase()
  if (name.startsWith('CRSQL_') && !readingFunctions.has(name)) {
    throw new StatementRefusedError(`${name.toLowerCase()}() changes the state of the agent`)
  }
}
