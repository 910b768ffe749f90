import { constants, type DatabaseSync, type StatementSync } from 'node:sqlite'
import { messageOf } from '../error-message.ts'
import { argumentsOf, type Parameters, parametersOf } from './binding.ts'
import { prepareStatement } from './prepare-statement.ts'
import { isForeignFunction } from './read-functions.ts'
import type { Statement } from './statement.ts'
import { StatementError } from './store.ts'

/** Runs one statement of a client's transaction. Gives the rows affected; throws `StatementError`. */
export type Execute = (statement: Statement) => number

interface Prepared {
  statement: StatementSync
  parameters: Parameters
}

const maxPrepared = 256

// What would break what is replicated, if a client's statement did it.
const breaking = new Map<number, string>([
  [constants.SQLITE_TRANSACTION, 'COMMIT and ROLLBACK'],
  [constants.SQLITE_ATTACH, 'ATTACH'],
  [constants.SQLITE_DETACH, 'DETACH'],
  [constants.SQLITE_DROP_TABLE, 'DROP of a replicated table'],
  [constants.SQLITE_ALTER_TABLE, 'ALTER of a replicated table'],
])

/** Sets the authorizer of the connection, which can have only one. */
export function createExecute(db: DatabaseSync, isReplicated: (table: string) => boolean): Execute {
  const prepared = new Map<string, Prepared>()
  /** What the statement that was prepared last does and may not. */
  const refusedParts: string[] = []

  db.setAuthorizer((action, first, second) => {
    if (isForeignFunction(action, second)) return constants.SQLITE_DENY
    const table = action === constants.SQLITE_ALTER_TABLE ? second : first
    const isTableChange =
      action === constants.SQLITE_DROP_TABLE || action === constants.SQLITE_ALTER_TABLE
    const part = breaking.get(action)
    // A BEGIN is refused by SQLite itself, which says more of it.
    const isBreaking = isTableChange ? isReplicated(table ?? '') : first !== 'BEGIN'
    if (part !== undefined && isBreaking) refusedParts.push(part)
    return constants.SQLITE_OK
  })

  function prepare(sql: string): Prepared {
    const known = prepared.get(sql)
    if (known) return known
    refusedParts.length = 0
    const statement = prepareStatement(db, sql)
    if (refusedParts.length > 0) {
      throw new Error(
        `the development agent refuses ${refusedParts.join(', ')} inside a transaction`,
      )
    }
    if (statement === undefined) throw new Error('bad parameter or other API misuse')
    const fresh = { statement, parameters: parametersOf(sql) }
    prepared.set(sql, fresh)
    const [oldest] = prepared.keys()
    if (prepared.size > maxPrepared && oldest !== undefined) prepared.delete(oldest)
    return fresh
  }

  return ({ sql, params }) => {
    try {
      const { statement, parameters } = prepare(sql)
      const { named, positional } = argumentsOf(parameters, params)
      if (statement.columns().length > 0) {
        throw new Error('Execute returned results - did you mean to call query?')
      }
      return Number(statement.run(named, ...positional).changes)
    } catch (error) {
      throw new StatementError(messageOf(error), { cause: error })
    }
  }
}
