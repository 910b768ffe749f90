import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Logger } from 'pino'
import type { RowNews, SourceListener, TableSource } from './source.ts'

export interface FileSourceOptions {
  path: string
  /** How often it is looked whether the file has changed. */
  everyMs: number
  listener: SourceListener
  log: Logger
  /** A steady clock, milliseconds. */
  steady: () => number
}

/**
 * Reads the table from a SQLite file of the operator's, again when the file has changed. A file that
 * is missing or cannot be read leaves what was read before; it is never created.
 */
export function openFileSource(options: FileSourceOptions): TableSource {
  const { path, everyMs, listener, log, steady } = options
  const known = new Map<string, string>()
  let stamp = ''
  let reason: string | undefined
  let lastLiveAt: number | undefined
  let isLive = false

  const compare = (rows: readonly Readonly<Record<string, unknown>>[]): RowNews[] => {
    const news: RowNews[] = []
    const present = new Set<string>()
    for (const row of rows) {
      const key = String(row.id)
      const text = JSON.stringify(row, (_, value: unknown) =>
        value instanceof Uint8Array ? [...value] : value,
      )
      present.add(key)
      if (known.get(key) === text) continue
      known.set(key, text)
      news.push({ key, row, how: 'found' })
    }
    for (const key of known.keys()) {
      if (present.has(key)) continue
      known.delete(key)
      news.push({ key, row: null, how: 'found' })
    }
    return news
  }

  const look = (): void => {
    const was = isLive
    try {
      const current = stampOf(path)
      if (current !== stamp) {
        const news = compare(readTable(path))
        // Only now: a file that could not be read is read again.
        stamp = current
        if (news.length > 0) listener.onRows(news)
        log.info({ path, rows: known.size, changed: news.length }, 'table read')
      }
      isLive = true
      reason = undefined
      lastLiveAt = steady()
    } catch (error) {
      const why = Error.isError(error) ? error.message : String(error)
      if (reason !== why)
        log.error({ path, reason: why }, 'table not read: what was read before stays')
      reason = why
      isLive = false
    }
    if (was !== isLive) listener.onLive(isLive)
  }
  look()
  const looking = setInterval(look, everyMs)

  return {
    get status() {
      const ageSeconds =
        lastLiveAt === undefined ? null : isLive ? 0 : (steady() - lastLiveAt) / 1000
      const state = isLive ? 'live' : 'not read'
      return { isLive, state, reason, ageSeconds, auditDiffering: null }
    },
    async [Symbol.asyncDispose]() {
      clearInterval(looking)
    },
  }
}

// A file in WAL mode is changed beside itself until it is checkpointed.
function stampOf(path: string): string {
  const main = statSync(path, { bigint: true })
  const log = statSync(`${path}-wal`, { bigint: true, throwIfNoEntry: false })
  return [main, log]
    .map((about) => (about ? `${about.ino} ${about.size} ${about.mtimeNs}` : ''))
    .join(' ')
}

function readTable(path: string): Record<string, unknown>[] {
  using db = new DatabaseSync(path, { readOnly: true, timeout: 1000 })
  const statement = db.prepare('SELECT * FROM backends')
  // A number too large for JavaScript would fail the whole table, not its row.
  statement.setReadBigInts(true)
  return statement
    .all()
    .map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [column, plain(value)] as const),
      ),
    )
}

function plain(value: unknown): unknown {
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
}
