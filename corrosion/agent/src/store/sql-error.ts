import type { DatabaseSync } from 'node:sqlite'
import { type SqlToken, tokenize, unquote } from './sql-tokens.ts'

/**
 * What rusqlite says of a statement that cannot be prepared: SQLite's message, and where SQLite
 * points into the statement, ` in <sql> at offset <bytes>`. node:sqlite does not tell the place.
 */
export function describePrepareError(db: DatabaseSync, sql: string, error: unknown): string {
  const message = Error.isError(error) ? error.message : String(error)
  const token = findCulprit(db, sql, message)
  if (!token) return message
  return `${message} in ${sql} at offset ${Buffer.byteLength(sql.slice(0, token.start))}`
}

function findCulprit(db: DatabaseSync, sql: string, message: string): SqlToken | undefined {
  const tokens = tokenize(sql)
  const [, near] = /^(?:near|unrecognized token:) "(.*?)"(?:: syntax error)?$/s.exec(message) ?? []
  if (near !== undefined) {
    // The first at which the statement, cut after it, is already wrong.
    return tokens.find(
      ({ text, end }) => text.startsWith(near) && failure(db, sql.slice(0, end)) === message,
    )
  }
  const [, column] = /^(?:no such|ambiguous) column(?: name)?: (.*)$/s.exec(message) ?? []
  if (column !== undefined) return findName(tokens, column)
  const [, called] =
    /^(?:no such function: |wrong number of arguments to function |misuse of aggregate: )(.*?)(?:\(\))?$/s.exec(
      message,
    ) ?? []
  return called === undefined
    ? undefined
    : tokens.find(
        ({ text }, index) =>
          text.toLowerCase() === called.toLowerCase() && tokens[index + 1]?.text === '(',
      )
}

function findName(tokens: readonly SqlToken[], name: string): SqlToken | undefined {
  return tokens.find((token, index) => {
    const parts = [token.text]
    for (let at = index; tokens[at + 1]?.text === '.'; at += 2) {
      parts.push(tokens[at + 2]?.text ?? '')
    }
    const before = tokens[index - 1]?.text
    return before !== '.' && before?.toUpperCase() !== 'AS' && parts.map(unquote).join('.') === name
  })
}

function failure(db: DatabaseSync, sql: string): string | undefined {
  try {
    db.prepare(sql)
    return undefined
  } catch (error) {
    return Error.isError(error) ? error.message : String(error)
  }
}
