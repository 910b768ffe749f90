import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { changesViewSql } from './changes.ts'
import { databaseFormat, internalTables } from './internal-tables.ts'
import { lockFor } from './process-lock.ts'
import { StoreOpenError } from './store.ts'

/** Throws `StoreOpenError` when another process holds it. */
export function lockDatabase(path: string): Disposable {
  try {
    mkdirSync(dirname(path), { recursive: true })
    const lock = lockFor(path)
    if (lock) return lock
  } catch (error) {
    throw new StoreOpenError(`cannot open ${path}`, { cause: error })
  }
  throw new StoreOpenError(`${path} is held by another agent${holderOf(path)}; end it first`)
}

function holderOf(path: string): string {
  try {
    using db = new DatabaseSync(path, { readOnly: true })
    const { holder_pid: pid } = db.prepare('SELECT holder_pid FROM dev_agent').get() ?? {}
    return pid ? ` (process ${String(pid)})` : ''
  } catch {
    return '' // it is only named where it can be
  }
}

/** The database as this agent wrote it, or a new one. Throws `StoreOpenError`. */
export function openDatabase(path: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    // Every `run` gives the last row id, and throws where that is beyond 2^53.
    db = new DatabaseSync(path, {
      readBigInts: true,
      // As SQLite is built for the real agent.
      enableDoubleQuotedStringLiterals: true,
    })
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA recursive_triggers = ON;' +
        'PRAGMA cache_size = -16384',
    )
    const names = new Set(
      db
        .prepare('SELECT name FROM sqlite_schema')
        .all()
        .map(({ name }) => name),
    )
    if (names.size === 0) {
      db.exec(`BEGIN; ${internalTables}`)
      db.prepare('INSERT INTO crsql_site_id VALUES (?, 0)').run(createSiteId())
      db.prepare('INSERT INTO dev_agent VALUES (?, NULL)').run(databaseFormat)
      db.exec(`${changesViewSql([])}; COMMIT`)
    } else if (!names.has('dev_agent')) {
      throw new StoreOpenError(
        names.has('crsql_master')
          ? `${path} is the database of a real Corrosion agent; the development agent does not open it`
          : `${path} is a database of another program`,
      )
    }
    const { format } = db.prepare('SELECT format FROM dev_agent').get() ?? {}
    if (Number(format) !== databaseFormat) {
      throw new StoreOpenError(`${path} has format ${String(format)}, not ${databaseFormat}`)
    }
    db.prepare('UPDATE dev_agent SET holder_pid = ?').run(process.pid)
    return db
  } catch (error) {
    db?.close()
    if (error instanceof StoreOpenError) throw error
    throw new StoreOpenError(`cannot open ${path}`, { cause: error })
  }
}

/** A random UUID of version 4. */
function createSiteId(): Uint8Array {
  const bytes = randomBytes(16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes
}
