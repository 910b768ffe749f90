import { constants, type DatabaseSync, type StatementSync } from 'node:sqlite'
import { messageOf } from '../error-message.ts'
import { parametersOf } from '../store/binding.ts'
import { prepareStatement } from '../store/prepare-statement.ts'
import { parseSchema } from '../store/schema-file.ts'
import { tokenize, unquote } from '../store/sql-tokens.ts'
import type { SqlValue } from '../store/sql-value.ts'
import type { Statement } from '../store/statement.ts'
import type { ReplicatedTable } from '../store/store.ts'
import { StreamRefusedError } from './line-stream.ts'
import {
  columnReferences,
  isBare,
  readSelect,
  refuse,
  type SelectClauses,
  textOf,
  withoutAlias,
} from './select-clauses.ts'

/** The schema under which a subscription's own database is attached. */
export const attached = '__corro_sub'

/** A statement that can be followed, cut so that it can be run for some keys only. */
export interface FollowedQuery {
  /** With its parameters in it; what tells subscriptions apart. */
  sql: string
  columnNames: readonly string[]
  table: string
  /** Of the materialised rows, in the order of the key. */
  keyColumns: readonly string[]
  /** Those that Corrosion takes for mentioned: changes of others are not looked at. */
  mentioned: ReadonlySet<string>
  /** Key columns first. */
  selectAll: string
  /** The same, of the keys in the table `temp_<table>`. */
  selectTouched: string
}

/** The text that names a subscription. Throws `StreamRefusedError`. */
export function expandStatement(db: DatabaseSync, { sql, params }: Statement): string {
  const source = sourceOf(db, sql)
  const { names, count } = parametersOf(source)
  // What explains is refused as it is read.
  if (count === 0 || /^explain$/i.test(tokenize(source)[0]?.text ?? '')) return source
  const values = isList(params) ? params : []
  if (values.length > count) throw new StreamRefusedError(400, 'column index out of range')
  const named: Record<string, SqlValue> = isList(params) ? {} : { ...params }
  const positional: SqlValue[] = []
  for (let index = 0; index < count; index++) {
    const name = names[index]
    const value = values[index] ?? null
    if (name === undefined) positional.push(value)
    else if (index < values.length) named[name] = value
  }
  // Only a statement that has been run shows its values, and EXPLAIN runs none of it.
  const explained = db.prepare(`EXPLAIN ${source}`)
  explained.setAllowUnknownNamedParameters(true)
  explained.get(named, ...positional)
  return explained.expandedSQL.slice('EXPLAIN '.length)
}

/** Throws `StreamRefusedError` for what is not followed. */
export function readFollowedQuery(
  db: DatabaseSync,
  sql: string,
  tables: ReadonlyMap<string, ReplicatedTable>,
): FollowedQuery {
  const clauses = readSelect(sql, (name) => tables.has(name))
  const { table, alias, from, where } = clauses
  const replicated = tables.get(table)
  if (!replicated) throw new Error(`unreachable: no replicated table ${table}`)
  const tableColumns = columnsOf(db, table)
  const mentioned = mentionedColumns(clauses, tableColumns.names)
  requirePlain(db, sql, table)

  const owner = alias ?? table
  const keys = replicated.keyColumns.map((column) => `${owner}.${column}`)
  const items = clauses.items.flatMap((item) => {
    const star = starOf(item)
    if (star === undefined) return [textOf(sql, item)]
    return tableColumns.names.map((column) => (star === '' ? column : `${star}.${column}`))
  })
  const selectFrom = (source: string) => `SELECT ${[...keys, ...items].join(', ')} FROM ${source}`
  const condition = where.length === 0 ? '' : textOf(sql, where)
  const touched = `(${keys.join(', ')}) IN ${attached}.temp_${table}`
  return {
    sql,
    columnNames: db
      .prepare(sql)
      .columns()
      .map(({ name }) => name),
    table,
    keyColumns: replicated.keyColumns.map((column) => `__corro_pk_${owner}_${column}`),
    mentioned: tableColumns.sourcesOf(mentioned),
    selectAll: `${selectFrom(textOf(sql, from))}${condition && ` WHERE ${condition}`}`,
    selectTouched: `${selectFrom(alias ? `${table} AS ${alias}` : table)} WHERE ${touched}${condition && ` AND (${condition})`}`,
  }
}

/** The statement's own text. Throws what rusqlite says. */
function sourceOf(db: DatabaseSync, sql: string): string {
  let statement: StatementSync | undefined
  try {
    statement = prepareStatement(db, sql)
  } catch (error) {
    throw new StreamRefusedError(400, messageOf(error))
  }
  if (!statement) throw new StreamRefusedError(500, 'could not expand sql statement')
  return statement.sourceSQL
}

/** The names that Corrosion would look for changes of, as they are written. */
function mentionedColumns(
  { items, where, table, alias }: SelectClauses,
  columns: readonly string[],
): Set<string> {
  const mentioned = new Set<string>()
  const references = [where, ...items.map(withoutAlias)].flatMap((expression) => {
    if (starOf(expression) === undefined) return columnReferences(expression)
    for (const column of columns) mentioned.add(column)
    return []
  })
  for (const { qualifier, name } of references) {
    if (qualifier !== undefined && qualifier !== (alias ?? table)) {
      throw refuse(`the qualifier ${qualifier}: a real agent breaks off the connection on it`)
    }
    // A column in quotes is one that no change has, and a text in double quotes is no column.
    if (!isBare(name)) continue
    if (qualifier === undefined && !columns.includes(name)) {
      throw new StreamRefusedError(400, `could not find table for column ${name}`)
    }
    mentioned.add(name)
  }
  return mentioned
}

/** Refuses what reads other tables than its own, and what is computed over several rows. */
function requirePlain(db: DatabaseSync, sql: string, table: string): void {
  const others = new Set<string>()
  db.setAuthorizer((action, name) => {
    if (action === constants.SQLITE_READ && name !== table && name !== null) others.add(name)
    return constants.SQLITE_OK
  })
  try {
    db.prepare(sql)
  } finally {
    db.setAuthorizer(null)
  }
  const [other] = others
  if (other !== undefined) {
    throw new StreamRefusedError(400, `expression is not supported: IN ${other}`)
  }
  const isAggregate = db
    .prepare(`EXPLAIN ${sql}`)
    .all()
    .some(({ opcode }) => opcode === 'Count' || String(opcode).startsWith('Agg'))
  if (isAggregate) {
    throw refuse('aggregates: after a change they are computed over the changed rows only')
  }
}

function isList(params: Statement['params']): params is readonly SqlValue[] {
  return Array.isArray(params)
}

/** `''` for `*`, the qualifier for `t.*`, undefined for anything else. */
function starOf(item: readonly { text: string }[]): string | undefined {
  if (item.at(-1)?.text !== '*') return undefined
  if (item.length === 1) return ''
  return item.length === 3 && item[1]?.text === '.' ? item[0]?.text : undefined
}

function columnsOf(db: DatabaseSync, table: string) {
  const rows = db.prepare('SELECT name, hidden FROM pragma_table_xinfo(?)').all(table)
  const names = rows.map(({ name }) => String(name))
  const generated = new Set(rows.filter(({ hidden }) => hidden !== 0).map(({ name }) => name))
  const expressionOf = (column: string): string => {
    const { sql } = db.prepare('SELECT sql FROM sqlite_schema WHERE name = ?').get(table) ?? {}
    const [definition] = parseSchema(String(sql))
    return definition?.columns.find(({ name }) => name === column)?.sql ?? ''
  }
  /** A generated column changes with those that it is made of. */
  const sourcesOf = (mentioned: ReadonlySet<string>): Set<string> => {
    const sources = new Set<string>()
    const add = (column: string): void => {
      if (sources.has(column)) return
      sources.add(column)
      if (!generated.has(column)) return
      for (const { text } of tokenize(expressionOf(column))) {
        if (names.includes(unquote(text))) add(unquote(text))
      }
    }
    for (const column of mentioned) add(column)
    return sources
  }
  return { names, sourcesOf }
}
