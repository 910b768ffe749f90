import { mkdirSync, statfsSync } from 'node:fs'
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
  /** Whether what is to be kept can be written now, and what to do where it cannot. */
  health(): { ok: boolean; detail?: string }
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
  const room = watchRoom(options)
  let outbox: Outbox
  try {
    db.exec(
      'PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL',
    )
    migrate(db, options.migrations)
    outbox = createOutbox(db, options.bus, options.log, (error) => room.noteIfFull(error))
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
        room.noteIfFull(error)
        throw error
      }
    },

    unconfirmed: () => outbox.unconfirmed(),

    health: () => room.health(),

    async [Symbol.asyncDispose]() {
      await outbox[Symbol.asyncDispose]()
      db.close()
    },
  }
}

/** Whether a write failed because the volume has no room left. */
export function isVolumeFull(error: unknown): boolean {
  for (let each = error; Error.isError(each); each = each.cause) {
    if ('errcode' in each && each.errcode === sqliteFull) return true
    if ('code' in each && (each.code === 'ENOSPC' || each.code === 'EDQUOT')) return true
  }
  return false
}

const sqliteFull = 13
// What a small transaction and its log may need.
const enoughBytes = 256 * 1024

/** Not well from the first write for which there was no room until there is some again. */
function watchRoom({ path, log }: Pick<StateFileOptions, 'path' | 'log'>) {
  const advice = 'make room on the volume of STATE_DIR, or make it larger: the work then goes on'
  /** More than was free when a write failed; zero while none has. */
  let neededBytes = 0

  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(dirname(path))
    return bavail * bsize
  }
  return {
    noteIfFull(error: unknown): boolean {
      if (!isVolumeFull(error)) return false
      if (neededBytes === 0) log.error({ err: error, path, advice }, 'volume full')
      neededBytes = freeBytes() + enoughBytes
      return true
    },
    health(): { ok: boolean; detail?: string } {
      if (neededBytes === 0) return { ok: true }
      if (freeBytes() < neededBytes) {
        return { ok: false, detail: `the volume is full: ${advice}` }
      }
      neededBytes = 0
      log.info({ path }, 'volume has room again')
      return { ok: true }
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
