import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { unpackKey } from '../store/packed-key.ts'
import { quoteText } from '../store/quote.ts'
import { defineFunctions } from '../store/read-functions.ts'
import type { SqlRow, SqlValue } from '../store/sql-value.ts'
import type { Store } from '../store/store.ts'
import {
  type ChangeType,
  changeLine,
  columnsLine,
  endOfQueryLine,
  errorLine,
  rowLine,
} from './event-lines.ts'
import { attached, type FollowedQuery } from './followed-query.ts'
import { groupLines, type Lines } from './line-feed.ts'

const changeTypes: readonly ChangeType[] = ['insert', 'update', 'delete']
const keptChanges = 500

export interface MaterializedQueryOptions {
  /** Of its own database; made if it is not there. */
  folder: string
  /** Of the agent's database. */
  store: FollowedStore
  query: FollowedQuery
}

/**
 * The rows of one statement and the changes to them, in a database of their own beside the agent's.
 * Everything is done in SQL as Corrosion does it, so that row ids, which are burnt by conflicts, and
 * the order of changes come out the same.
 */
export class MaterializedQuery implements Disposable {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #query: FollowedQuery
  readonly #cells: readonly string[]
  readonly #flush
  #lastRowId: bigint
  #lastChangeId: number

  private constructor(db: DatabaseSync, path: string, query: FollowedQuery) {
    this.#db = db
    this.#path = path
    this.#query = query
    this.#cells = query.columnNames.map((_, index) => `col_${index}`)
    this.#flush = this.#prepareFlush()
    const { row = 0n, change = 0n } = numbersOf(
      db.prepare(
        `SELECT (SELECT max(__corro_rowid) FROM ${attached}.query) AS row,
           (SELECT max(id) FROM ${attached}.changes) AS change`,
      ),
    )
    this.#lastRowId = row
    this.#lastChangeId = Number(change)
  }

  /** Runs the statement. Throws what SQLite says while it does. */
  static create({ folder, store, query }: MaterializedQueryOptions): MaterializedQuery {
    mkdirSync(folder, { recursive: true })
    const path = join(folder, 'sub.sqlite')
    const db = connect(store, path)
    try {
      const cells = query.columnNames.map((_, index) => `col_${index}`).join(', ')
      const keys = query.keyColumns.join(', ')
      db.exec(`BEGIN;
        CREATE TABLE ${attached}.query (__corro_rowid INTEGER PRIMARY KEY AUTOINCREMENT, ${keys}, ${cells}, UNIQUE (${keys}));
        CREATE TABLE ${attached}.changes (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, __corro_rowid INTEGER NOT NULL, type INTEGER NOT NULL, ${cells});
        CREATE TABLE ${attached}.meta (key TEXT PRIMARY KEY NOT NULL, value) WITHOUT ROWID;
        CREATE TABLE ${attached}.temp_${query.table} (${keys});
        INSERT INTO ${attached}.meta VALUES ('sql', ${quoteText(query.sql)}), ('state', 'running');
        CREATE TEMP TABLE state_results (${keys}, ${cells});`)
      db.exec(`INSERT INTO ${attached}.query (${keys}, ${cells}) ${query.selectAll}`)
      db.exec('COMMIT')
      return new MaterializedQuery(db, path, query)
    } catch (error) {
      db.close()
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  /** The text of a statement whose rows were left complete in a folder. */
  static leftIn(folder: string): string | undefined {
    using db = new DatabaseSync(join(folder, 'sub.sqlite'), { readOnly: true })
    const meta = db.prepare('SELECT value FROM meta WHERE key = ?')
    if (meta.get('state')?.['value'] !== 'completed') return undefined
    const sql = meta.get('sql')?.['value']
    return typeof sql === 'string' ? sql : undefined
  }

  /** Goes on with the rows that were left in the folder, without running the statement again. */
  static restore({ folder, store, query }: MaterializedQueryOptions): MaterializedQuery {
    const path = join(folder, 'sub.sqlite')
    const db = connect(store, path)
    try {
      const cells = query.columnNames.map((_, index) => `col_${index}`)
      db.exec(`CREATE TEMP TABLE state_results (${[...query.keyColumns, ...cells].join(', ')});
        UPDATE ${attached}.meta SET value = 'running' WHERE key = 'state'`)
      return new MaterializedQuery(db, path, query)
    } catch (error) {
      db.close()
      throw error
    }
  }

  get lastChangeId(): number {
    return this.#lastChangeId
  }

  /** Looks at the rows of some packed keys again, and records what has changed. */
  flush(keys: Iterable<Uint8Array>): Lines[] {
    const { touch, select, upsert, remove, record, forget } = this.#flush
    const changes: [type: ChangeType, rowId: bigint, cells: SqlRow, id: number][] = []
    let [lastRowId, lastChangeId] = [this.#lastRowId, this.#lastChangeId]
    const note = (type: ChangeType, rowId: bigint, cells: SqlRow): void => {
      lastChangeId++
      record.run(lastChangeId, rowId, changeTypes.indexOf(type), ...cells)
      changes.push([type, rowId, cells, lastChangeId])
    }
    this.#db.exec('BEGIN')
    try {
      for (const key of keys) touch.run(...unpackKey(key))
      select.run()
      for (const [rowId, cells] of identified(upsert)) {
        if (rowId > lastRowId) lastRowId = rowId
        note(rowId > this.#lastRowId ? 'insert' : 'update', rowId, cells)
      }
      for (const [rowId, cells] of identified(remove)) note('delete', rowId, cells)
      for (const statement of forget) statement.run()
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
    this.#lastRowId = lastRowId
    this.#lastChangeId = lastChangeId
    return groupLines(changes.map((change) => changeLine(...change)))
  }

  /** Columns, rows and their end, as they are when the first of them is asked for. */
  *snapshot(): Generator<string> {
    const startedAt = performance.now()
    using db = new DatabaseSync(this.#path, { readOnly: true })
    db.exec('BEGIN')
    const rows = db.prepare(`SELECT __corro_rowid, ${this.#cells.join(', ')} FROM query`)
    const first = identified(rows)
    const seconds = (performance.now() - startedAt) / 1000
    const { columnNames } = this.#query
    const changeId = this.#lastChangeId
    yield* texts(function* () {
      yield columnsLine(columnNames)
      for (const [rowId, cells] of first) yield rowLine(rowId, cells)
      yield endOfQueryLine(seconds, changeId)
    })
  }

  /** What was recorded after a change, as it is when the first of it is asked for. */
  *changesSince(from: number): Generator<string> {
    using db = new DatabaseSync(this.#path, { readOnly: true })
    db.exec('BEGIN')
    const { oldest } = numbersOf(db.prepare('SELECT min(id) AS oldest FROM changes'))
    if (oldest === undefined) {
      yield errorLine('Invalid column type Null at index: 0, name: MIN(id)')
      return
    }
    if (BigInt(from) + 1n < oldest) {
      yield errorLine(
        `subscription already deleted older changes, min change id: ${String(oldest)}`,
      )
      return
    }
    const rows = db.prepare(
      `SELECT id, type, __corro_rowid, ${this.#cells.join(', ')} FROM changes WHERE id > ? ORDER BY id`,
    )
    yield* texts(function* () {
      for (const [id, [type, rowId = null, ...cells]] of identified(rows, from)) {
        yield changeLine(changeTypes[Number(type)] ?? 'update', rowId, cells, Number(id))
      }
    })
  }

  purge(): void {
    this.#db.exec(
      `DELETE FROM ${attached}.changes WHERE id < (SELECT coalesce(max(id), 0) - ${keptChanges} FROM ${attached}.changes)`,
    )
  }

  /** Marks it as fit to be gone on with. */
  complete(): void {
    this.#db.exec(`UPDATE ${attached}.meta SET value = 'completed' WHERE key = 'state'`)
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }

  #prepareFlush() {
    const { keyColumns, table, selectTouched } = this.#query
    const keys = keyColumns.join(', ')
    const all = [keys, ...this.#cells].join(', ')
    const cells = this.#cells.join(', ')
    const marks = (count: number) => Array.from({ length: count }, () => '?').join(', ')
    const known = `SELECT ${all} FROM ${attached}.query WHERE (${keys}) IN ${attached}.temp_${table}`
    const prepare = (sql: string): StatementSync => this.#db.prepare(sql)
    return {
      touch: prepare(`INSERT INTO ${attached}.temp_${table} VALUES (${marks(keyColumns.length)})`),
      select: prepare(`INSERT INTO temp.state_results ${selectTouched}`),
      upsert: prepare(
        `INSERT INTO ${attached}.query (${all})
         SELECT * FROM (SELECT * FROM temp.state_results EXCEPT ${known}) WHERE 1
         ON CONFLICT (${keys}) DO UPDATE SET ${this.#cells.map((cell) => `${cell} = excluded.${cell}`).join(', ')}
         RETURNING __corro_rowid, ${cells}`,
      ),
      remove: prepare(
        `DELETE FROM ${attached}.query WHERE (${keys}) IN
           (SELECT ${keys} FROM (${known} EXCEPT SELECT * FROM temp.state_results))
         RETURNING __corro_rowid, ${cells}`,
      ),
      record: prepare(
        `INSERT INTO ${attached}.changes (id, __corro_rowid, type, ${cells})
         VALUES (${marks(3 + this.#cells.length)})`,
      ),
      forget: [
        prepare(`DELETE FROM ${attached}.temp_${table}`),
        prepare('DELETE FROM temp.state_results'),
      ],
    }
  }
}

/** A connection to the agent's database with the subscription's own attached. */
function connect(store: FollowedStore, path: string): DatabaseSync {
  const db = openFollowing(store)
  // Losing the file in a crash costs nothing: after one it is thrown away.
  db.exec(`ATTACH ${quoteText(path)} AS ${attached};
    PRAGMA ${attached}.journal_mode = WAL; PRAGMA ${attached}.synchronous = OFF;
    PRAGMA ${attached}.cache_size = -1000; PRAGMA main.cache_size = -1000; PRAGMA temp_store = MEMORY`)
  return db
}

/** A connection that knows all that a subscription's statement may use. */
export function openFollowing(store: FollowedStore): DatabaseSync {
  // A real agent's SQLite takes "x" for a text where it is no column.
  const db = new DatabaseSync(store.path, { enableDoubleQuotedStringLiterals: true })
  defineFunctions(db, {
    actorId: store.actorId,
    dbVersion: () => BigInt(store.heads().get(store.actorId) ?? 0),
  })
  return db
}

export type FollowedStore = Pick<Store, 'path' | 'actorId' | 'heads'>

/** Rows whose first value is an id. */
function* identified(
  statement: StatementSync,
  ...params: SqlValue[]
): Generator<[id: bigint, rest: SqlValue[]]> {
  statement.setReadBigInts(true)
  statement.setReturnArrays(true)
  for (const row of statement.iterate(...params)) {
    const [id, ...rest]: SqlValue[] = Object.values(row)
    if (typeof id !== 'bigint') throw new Error('unreachable: a row has no id')
    yield [id, rest]
  }
}

function numbersOf(statement: StatementSync): Record<string, bigint | undefined> {
  statement.setReadBigInts(true)
  return Object.fromEntries(
    Object.entries(statement.get() ?? {}).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? value : undefined,
    ]),
  )
}

function* texts(lines: () => Iterable<string>): Generator<string> {
  const maxLength = 64 * 1024
  let text = ''
  for (const line of lines()) {
    text += line
    if (text.length >= maxLength) {
      yield text
      text = ''
    }
  }
  if (text !== '') yield text
}
