import { DatabaseSync } from 'node:sqlite'

/**
 * One process per database: SQLite's own lock on a file beside it, which the system gives up when
 * the process ends, however it ends. Undefined when another process holds it.
 */
export function lockFor(path: string): Disposable | undefined {
  const lock = new DatabaseSync(`${path}-lock`)
  try {
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return lock
  } catch {
    // Whatever SQLite says, the lock was not got.
    lock.close()
    return undefined
  }
}
