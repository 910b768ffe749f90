import { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../error-message.ts'
import { type SqlToken, tokenize, unquote } from './sql-tokens.ts'
import { SchemaError } from './store.ts'

export interface ColumnDefinition {
  name: string
  type: string
  isNotNull: boolean
  /** SQL. */
  defaultValue: string | null
  /** Place in the key, from 1; 0 for none. */
  keyPosition: number
  isGenerated: boolean
  /** As it is written. */
  sql: string
}

export interface TableDefinition {
  name: string
  sql: string
  columns: readonly ColumnDefinition[]
  /** Name → SQL. */
  indexes: Map<string, string>
}

/** The tables of schema files. Throws `SchemaError` with Corrosion's words for what it does not take. */
export function parseSchema(sql: string): TableDefinition[] {
  const statements = splitStatements(sql)
  const tables = new Map<string, TableDefinition>()
  const indexes: { name: string; table: string; isUnique: boolean; sql: string }[] = []
  for (const statement of statements) {
    const words = statement.tokens.slice(0, 4).map(({ text }) => text.toUpperCase())
    const [verb, kind, ...rest] = words
    const isTable = verb === 'CREATE' && kind === 'TABLE'
    if (
      verb === 'CREATE' &&
      (kind === 'TEMP' || kind === 'TEMPORARY' || (isTable && isSelectTable(statement.tokens)))
    ) {
      throw new SchemaError(`temporary tables are not supported: ${statement.text};`)
    }
    if (isTable) {
      const table = readTable(statement.text, () => endOf(statement, sql))
      tables.set(table.name, table)
    } else if (
      verb === 'CREATE' &&
      (kind === 'INDEX' || (kind === 'UNIQUE' && rest[0] === 'INDEX'))
    ) {
      indexes.push(readIndex(statement, kind === 'UNIQUE'))
    } else throw new SchemaError(`unsupported command: ${statement.text};`)
  }
  for (const { name, table, isUnique, sql: text } of indexes) {
    const owner = tables.get(table)
    if (!owner) {
      throw new SchemaError(`missing table for index (table: '${table}', index: '${name}')`)
    }
    if (isUnique) throw new SchemaError(`unique indexes are not supported: ${name}`)
    owner.indexes.set(name, text)
  }
  return [...tables.values()]
}

function splitStatements(sql: string): { text: string; tokens: SqlToken[] }[] {
  const statements: { text: string; tokens: SqlToken[] }[] = []
  let tokens: SqlToken[] = []
  const take = (): void => {
    const [first] = tokens
    const last = tokens.at(-1)
    if (first && last) statements.push({ text: sql.slice(first.start, last.end), tokens })
    tokens = []
  }
  for (const token of tokenize(sql)) {
    if (token.text === ';') take()
    else tokens.push(token)
  }
  take()
  return statements
}

function isSelectTable(tokens: readonly SqlToken[]): boolean {
  const open = tokens.findIndex(({ text }) => text === '(')
  const as = tokens.findIndex(({ text }) => text.toUpperCase() === 'AS')
  return as !== -1 && (open === -1 || as < open)
}

/** Where Corrosion's parser meets the end of a statement. */
function endOf({ tokens }: { tokens: readonly SqlToken[] }, sql: string): string {
  const lines = sql.slice(0, tokens.at(-1)?.end).split('\n')
  return `line: ${lines.length}, column: ${(lines.at(-1)?.length ?? 0) + 1}`
}

function readTable(sql: string, end: () => string): TableDefinition {
  using scratch = new DatabaseSync(':memory:', { enableForeignKeyConstraints: false })
  try {
    scratch.exec(sql)
  } catch (error) {
    const message = messageOf(error)
    if (message === 'incomplete input') {
      throw new SchemaError(`near ";": syntax error at ${end()}`)
    }
    throw new SchemaError(
      message.startsWith('expressions prohibited') ? 'expr used as primary' : message,
    )
  }
  const name = textOf(scratch.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").get())
  const [foreign] = scratch.prepare('SELECT "from" FROM pragma_foreign_key_list(?)').all(name)
  if (foreign) {
    throw new SchemaError(
      `foreign keys are not supported (table: '${name}', column: '${textOf(foreign)}')`,
    )
  }
  const written = columnTexts(sql)
  const columns = scratch
    .prepare('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)')
    .all(name)
    .map((row) => {
      const [column, type, isNotNull, defaultValue, pk, hidden] = Object.values(row)
      return {
        name: String(column),
        type: String(type),
        isNotNull: isNotNull === 1,
        defaultValue: defaultValue === null ? null : String(defaultValue),
        keyPosition: Number(pk),
        isGenerated: hidden !== 0,
        sql: written.get(String(column).toLowerCase()) ?? String(column),
      }
    })
  requireReplicable(name, sql, columns, scratch)
  return { name, sql, columns, indexes: new Map() }
}

/** What makes cr-sqlite refuse a table. */
function requireReplicable(
  name: string,
  sql: string,
  columns: readonly ColumnDefinition[],
  scratch: DatabaseSync,
): void {
  requireForwardCompatible({ name, columns })
  if (tokenize(sql).some(({ text }) => text.toUpperCase() === 'AUTOINCREMENT')) {
    throw new SchemaError(
      `${name} has auto-increment primary keys. This is likely a mistake as two concurrent nodes will assign unrelated rows the same primary key. Either use a primary key that represents the identity of your row or use a database friendly UUID such as UUIDv7`,
    )
  }
  const unique = scratch
    .prepare("SELECT name FROM pragma_index_list(?) WHERE origin = 'u'")
    .get(name)
  if (unique) {
    throw new SchemaError(
      `Table ${name} has unique indices besidesthe primary key. This is not allowed for CRRs`,
    )
  }
  const key = columns.filter(({ keyPosition }) => keyPosition > 0)
  if (key.length === 0 || key.some(({ isNotNull }) => !isNotNull)) {
    throw new SchemaError(
      `Table ${name} has no primary key or primary key is nullable. CRRs must have a non nullable primary key`,
    )
  }
}

function requireForwardCompatible({
  name,
  columns,
}: Pick<TableDefinition, 'name' | 'columns'>): void {
  // Corrosion does not find a key column again whose name is quoted.
  const isKey = ({ keyPosition, sql }: ColumnDefinition) => keyPosition > 0 && /^\w/.test(sql)
  const rigid = columns.find(
    (column) =>
      column.isNotNull && column.defaultValue === null && !isKey(column) && !column.isGenerated,
  )
  if (rigid) {
    throw new SchemaError(
      `not nullable column '${rigid.name}' on table '${name}' needs a default value for forward schema compatibility`,
    )
  }
}

function readIndex({ text, tokens }: { text: string; tokens: SqlToken[] }, isUnique: boolean) {
  const words = tokens.map((token) => token.text)
  const on = words.findIndex((word) => word.toUpperCase() === 'ON')
  const table = unquote(words[on + 1] ?? '')
  const name = unquote(words[on - 1] ?? '')
  if (on < 2 || table === '') throw new SchemaError(`near "${words.at(-1)}": syntax error`)
  return { name, table, isUnique, sql: text }
}

/** What is written for each column, by its name in lower case. */
function columnTexts(sql: string): Map<string, string> {
  const texts = new Map<string, string>()
  let depth = 0
  let first: SqlToken | undefined
  let last: SqlToken | undefined
  for (const token of tokenize(sql)) {
    const { text } = token
    const isEnd = depth === 1 && (text === ',' || text === ')')
    if (isEnd && first && last) {
      texts.set(unquote(first.text).toLowerCase(), sql.slice(first.start, last.end))
      first = undefined
    }
    if (text === ')') depth--
    if (depth > 0 && !isEnd) {
      first ??= token
      last = token
    }
    if (text === '(') depth++
  }
  return texts
}

function textOf(row: Record<string, unknown> | undefined): string {
  const [value] = Object.values(row ?? {})
  return typeof value === 'string' ? value : ''
}
