import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { messageOf } from '../error-message.ts'
import { describePrepareError } from './prepare-error.ts'
import { tokenize } from './sql-tokens.ts'

const sqliteAuth = 23
// What follows the second statement is refused one way or another.
const maxLookedAt = 100

/**
 * Prepares the one statement of the text as rusqlite does; undefined when the text has none. Throws an
 * `Error` with rusqlite's message, that of a broken second statement among them.
 */
export function prepareStatement(db: DatabaseSync, sql: string): StatementSync | undefined {
  // SQLite reads up to a NUL.
  const text = sql.split('\0', 1)[0] ?? ''
  const statement = prepareFirst(db, text)
  if (statement === undefined) return undefined
  let count = 1
  let rest = text.slice(statement.sourceSQL.length)
  while (count < maxLookedAt && tokenize(rest).length > 0) {
    const next = prepareFirst(db, rest)
    if (next === undefined) break
    count++
    rest = rest.slice(next.sourceSQL.length)
  }
  if (count > 1) throw new Error('Multiple statements provided')
  return statement
}

function prepareFirst(db: DatabaseSync, sql: string): StatementSync | undefined {
  try {
    return db.prepare(sql)
  } catch (error) {
    if (isEmptyText(error)) return undefined
    if (!isSqlError(error)) throw error
    const refusalOf = (changed: string) => refusal(db, changed)
    throw new Error(describePrepareError(refusalText(error), sql, refusalOf), { cause: error })
  }
}

function refusal(db: DatabaseSync, sql: string): string | undefined {
  try {
    db.prepare(sql)
    return undefined
  } catch (error) {
    return refusalText(error)
  }
}

/** A function that the authorizer denies is one that the real agent does not know. */
function refusalText(error: unknown): string {
  return messageOf(error).replace(/^not authorized to use function: /, 'no such function: ')
}

/**
 * What `sqlite3_stmt_readonly` says: BEGIN, ATTACH and most PRAGMAs are read-only, `PRAGMA
 * journal_mode` is not. It is read from the statement's program, where SQLite has it from too.
 */
export function isReadOnly(db: DatabaseSync, { sourceSQL }: StatementSync): boolean {
  const [first, second, third] = tokenize(sourceSQL).filter(({ text }) => text !== ';')
  const keyword = first?.text.toLowerCase()
  if (keyword === 'select' || keyword === 'values') return true
  // EXPLAIN is as read-only as what it explains.
  const isPlan = keyword === 'explain' && second?.text.toLowerCase() === 'query'
  const explained = isPlan ? third?.end : keyword === 'explain' ? first?.end : first?.start
  const program = db.prepare(`EXPLAIN ${sourceSQL.slice(explained)}`)
  return program
    .all()
    .every(
      ({ opcode, p2 }) =>
        !(opcode === 'Transaction' && p2 !== 0) &&
        opcode !== 'Checkpoint' &&
        opcode !== 'Vacuum' &&
        opcode !== 'JournalMode',
    )
}

function isEmptyText(error: unknown): boolean {
  return Error.isError(error) && 'code' in error && error.code === 'ERR_INVALID_ARG_VALUE'
}

/** Of SQLite's errors only SQLITE_ERROR can have an offset, and SQLITE_AUTH stands in for one. */
function isSqlError(error: unknown): boolean {
  return (
    Error.isError(error) &&
    'errcode' in error &&
    (error.errcode === 1 || error.errcode === sqliteAuth)
  )
}
