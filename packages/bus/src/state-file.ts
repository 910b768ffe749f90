import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { RecordDefinition, SubjectParameter } from '@corroport/contracts'
import type { Logger } from 'pino'
import type { Static, TSchema } from 'typebox'
import type { Bus } from './bus.ts'
import { createOutbox, type Outbox } from './outbox.ts'

/** Tells a fact. Only valid inside the transaction that it was handed to. */
export type Tell = <T extends string, S extends TSchema>(
  event: RecordDefinition<T, S>,
  parameters: Readonly<Record<SubjectParameter<T>, string>>,
  payload: Static<S>,
) => void

/** What a service must not lose: its own tables, and the events it has told but not delivered. */
export interface StateFile extends AsyncDisposable {
  readonly db: DatabaseSync
  /** Effect and events are committed together; the events are published after the commit. */
  transaction<T>(work: (tell: Tell) => T): T
  /** Events that NATS has not confirmed yet. */
  unconfirmed(): number
}

export interface StateFileOptions {
  path: string
  /** Applied once each, in order; never edited afterwards. */
  migrations: readonly string[]
  bus: Bus
  log: Logger
}

/**
 * Opens a service's state file. WAL with `synchronous = NORMAL`: a killed process loses nothing; a
 * power failure may lose the last moments, as it may inside Corrosion, which uses the same setting.
 * Throws when another process holds the file.
 */
export function openStateFile(options: StateFileOptions): StateFile {
  mkdirSync(dirname(options.path), { recursive: true, mode: 0o700 })
  const db = new DatabaseSync(options.path, { timeout: 2000 })
  let outbox: Outbox
  try {
    db.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL',
    )
    migrate(db, options.migrations)
    outbox = createOutbox(db, options.bus, options.log)
  } catch (error) {
    db.close()
    const isHeld = Error.isError(error) && error.message.includes('database is locked')
    throw isHeld
      ? new Error(`${options.path} is in use by another process: is this node running already?`, {
          cause: error,
        })
      : error
  }
  return {
    db,

    transaction(work) {
      db.exec('BEGIN IMMEDIATE')
      let told = 0
      try {
        const result = work((event, parameters, payload) => {
          told += 1
          outbox.add(event, event.subject(parameters), payload)
        })
        db.exec('COMMIT')
        if (told > 0) outbox.wake()
        return result
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK')
        outbox.forget()
        throw error
      }
    },

    unconfirmed: () => outbox.unconfirmed(),

    async [Symbol.asyncDispose]() {
      await outbox[Symbol.asyncDispose]()
      db.close()
    },
  }
}

function migrate(db: DatabaseSync, migrations: readonly string[]): void {
  // Taking the write lock even when there is nothing to do shows that nobody else holds the file.
  db.exec('BEGIN EXCLUSIVE')
  const row = db.prepare('PRAGMA user_version').get()
  const done = Number(row?.user_version ?? 0)
  if (done > migrations.length) {
    throw new Error(`state file has ${done} migrations, this version knows ${migrations.length}`)
  }
  for (const migration of migrations.slice(done)) db.exec(migration)
  db.exec(`PRAGMA user_version = ${migrations.length}`)
  db.exec('COMMIT')
}
