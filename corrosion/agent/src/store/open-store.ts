import type { DatabaseSync } from 'node:sqlite'
import { createBookkeeping } from './bookkeeping.ts'
import type { Change, Changeset } from './change.ts'
import { createReadChanges, type ReadChanges } from './changes.ts'
import { createExecute, type Execute } from './client-statements.ts'
import { createLocalWrites, type LocalWrites, type Stamp } from './local-writes.ts'
import { createMerge, type Merge } from './merge.ts'
import { lockDatabase, openDatabase } from './open-database.ts'
import { quote } from './quote.ts'
import { defineFunctions } from './read-functions.ts'
import { changeSchema, readTables } from './schema-change.ts'
import { parseSchema } from './schema-file.ts'
import { createSiteIds } from './site-ids.ts'
import type { SqlRow, SqlValue } from './sql-value.ts'
import { createStateTables } from './state-tables.ts'
import type { Statement } from './statement.ts'
import {
  type ApplyOutcome,
  type Commit,
  type RememberedMember,
  type ReplicatedTable,
  StatementError,
  type Store,
} from './store.ts'

export interface StoreOptions {
  path: string
  /** The hybrid clock's time of a transaction, as NTP64. */
  now: () => bigint
}

interface TableParts extends ReplicatedTable {
  writes: LocalWrites
  merge: Merge
  read: ReadChanges
}

interface RunningTransaction {
  version: number | undefined
  seq: number
  ts: bigint
  tables: Set<string>
}

/** Throws `StoreOpenError`. */
export function openStore({ path, now }: StoreOptions): Store {
  const lock = lockDatabase(path)
  try {
    return new DatabaseStore(openDatabase(path), { path, now }, lock)
  } catch (error) {
    lock[Symbol.dispose]()
    throw error
  }
}

class DatabaseStore implements Store {
  readonly path: string
  readonly actorId: string
  readonly #db: DatabaseSync
  readonly #lock: Disposable
  readonly #now: () => bigint
  readonly #bookkeeping
  readonly #siteIds
  readonly #state
  readonly #execute: Execute
  readonly #listeners = new Set<(commit: Commit) => void>()
  #tables = new Map<string, TableParts>()
  #isMerging = false
  #running: RunningTransaction | undefined

  constructor(db: DatabaseSync, { path, now }: StoreOptions, lock: Disposable) {
    this.#db = db
    this.path = path
    this.#now = now
    this.#lock = lock
    this.#siteIds = createSiteIds(db)
    this.actorId = this.#siteIds.actorOf(0)
    this.#bookkeeping = createBookkeeping(db)
    this.#state = createStateTables(db)
    this.#defineFunctions()
    this.#loadTables()
    this.#execute = createExecute(db, (table) => this.#tables.has(table))
  }

  get tables(): ReadonlyMap<string, ReplicatedTable> {
    return this.#tables
  }

  transact(statements: readonly Statement[], timeoutMs = Infinity): ReturnType<Store['transact']> {
    const startedAt = performance.now()
    const running: RunningTransaction = { version: undefined, seq: 0, ts: 0n, tables: new Set() }
    const results: { rowsAffected: number; timeSeconds: number }[] = []
    this.#db.exec('BEGIN IMMEDIATE')
    this.#running = running
    let changeset: Changeset | undefined
    try {
      for (const statement of statements) {
        const from = performance.now()
        const rowsAffected = this.#execute(statement)
        const tookMs = performance.now() - from
        // It cannot be stopped while it runs, so what took too long is undone.
        if (tookMs > timeoutMs) throw new StatementError('interrupted')
        results.push({ rowsAffected, timeSeconds: tookMs / 1000 })
      }
      if (running.version !== undefined) {
        changeset = this.#readChangeset(this.actorId, running.version, running.tables)
        if (changeset.changes.length > 0) this.#bookkeeping.hold(this.actorId, running.version)
      }
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      throw error
    } finally {
      this.#running = undefined
    }
    const isChanged = changeset !== undefined && changeset.changes.length > 0
    if (changeset && isChanged) this.#tell({ origin: 'local', changesets: [changeset] })
    return {
      version: changeset && isChanged ? changeset.version : null,
      results,
      timeSeconds: (performance.now() - startedAt) / 1000,
    }
  }

  apply(changesets: readonly Changeset[]): ApplyOutcome {
    const applied: Changeset[] = []
    const won: Changeset[] = []
    const failed: { changeset: Changeset; error: Error }[] = []
    this.#db.exec('BEGIN IMMEDIATE')
    this.#isMerging = true
    try {
      for (const changeset of changesets) {
        const { actorId, version } = changeset
        if (this.#bookkeeping.isHeld(actorId, version)) continue
        this.#db.exec('SAVEPOINT changeset')
        try {
          const winners = this.#merge(changeset)
          if (winners.length > 0) won.push({ ...changeset, changes: winners })
          this.#db.exec('RELEASE changeset')
          this.#bookkeeping.hold(actorId, version)
          applied.push(changeset)
        } catch (error) {
          this.#db.exec('ROLLBACK TO changeset; RELEASE changeset')
          this.#siteIds.reload()
          this.#bookkeeping.learnHead(actorId, version)
          failed.push({ changeset, error: Error.isError(error) ? error : new Error(String(error)) })
        }
      }
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      throw error
    } finally {
      this.#isMerging = false
    }
    if (won.length > 0) this.#tell({ origin: 'remote', changesets: won })
    return { applied, failed }
  }

  changeset(actorId: string, version: number): Changeset | undefined {
    return this.isHeld(actorId, version) ? this.#readChangeset(actorId, version) : undefined
  }

  isHeld(actorId: string, version: number): boolean {
    return this.#bookkeeping.isHeld(actorId, version)
  }

  heads(): ReadonlyMap<string, number> {
    return this.#bookkeeping.heads()
  }

  gaps(): ReturnType<Store['gaps']> {
    return this.#bookkeeping.gaps()
  }

  learnHead(actorId: string, version: number): void {
    this.#bookkeeping.learnHead(actorId, version)
  }

  applySchema(sql: string): void {
    const definitions = parseSchema(sql)
    this.#db.exec('BEGIN IMMEDIATE')
    this.#running = { version: undefined, seq: 0, ts: 0n, tables: new Set() }
    let changeset: Changeset | undefined
    try {
      const imported = changeSchema(this.#db, definitions)
      this.#loadTables()
      for (const table of imported) this.#adoptRows(table)
      if (this.#running.version !== undefined) {
        this.#bookkeeping.hold(this.actorId, this.#running.version)
        changeset = this.#readChangeset(this.actorId, this.#running.version)
      }
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#rollBack()
      this.#loadTables()
      throw error
    } finally {
      this.#running = undefined
    }
    if (changeset) this.#tell({ origin: 'local', changesets: [changeset] })
  }

  clusterId(): number {
    return this.#state.clusterId()
  }

  setClusterId(clusterId: number): void {
    this.#state.setClusterId(clusterId)
  }

  rememberedMembers(): readonly RememberedMember[] {
    return this.#state.rememberedMembers()
  }

  rememberMembers(rows: readonly RememberedMember[]): void {
    this.#state.rememberMembers(rows)
  }

  onCommit(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  [Symbol.dispose](): void {
    this.#db.exec('UPDATE dev_agent SET holder_pid = NULL')
    this.#db.close()
    this.#lock[Symbol.dispose]()
  }

  /** Rows that were there before their table was replicated. */
  #adoptRows({ name, keyColumns }: ReplicatedTable): void {
    const rows = this.#db.prepare(`SELECT ${keyColumns.map(quote).join(', ')} FROM ${quote(name)}`)
    rows.setReturnArrays(true)
    for (const row of rows.all()) {
      this.#tables.get(name)?.writes.afterInsert(Object.values(row))
    }
  }

  /** The changes that won. */
  #merge({ actorId, version, ts, changes }: Changeset): Change[] {
    if (changes.length === 0) return []
    const origin = { actorId, version, ts, ordinal: this.#siteIds.add(actorId) }
    return changes.filter((change) => {
      const table = this.#tables.get(change.table)
      if (!table) {
        throw new Error(`crsql - could not find the schema information for table ${change.table}`)
      }
      return table.merge(change, origin)
    })
  }

  #readChangeset(actorId: string, version: number, tables?: ReadonlySet<string>): Changeset {
    const ordinal = this.#siteIds.find(actorId)
    const found: ReturnType<ReadChanges> = []
    if (ordinal !== undefined) {
      for (const [name, table] of this.#tables) {
        if (tables && !tables.has(name)) continue
        for (const change of table.read(ordinal, version)) found.push(change)
      }
    }
    found.sort((a, b) => a.change.seq - b.change.seq)
    return {
      actorId,
      version,
      ts: found[0]?.ts ?? 0n,
      lastSeq: found.at(-1)?.change.seq ?? 0,
      changes: found.map(({ change }) => change),
    }
  }

  #tell(commit: Commit): void {
    for (const listener of this.#listeners) listener(commit)
  }

  #rollBack(): void {
    // SQLite has rolled back by itself after some errors, a full disk among them.
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
    this.#siteIds.reload()
    this.#bookkeeping.reload()
  }

  #loadTables(): void {
    this.#tables = new Map(
      readTables(this.#db).map((table) => [
        table.name,
        {
          ...table,
          writes: createLocalWrites(this.#db, table, {
            stamp: (name) => this.#stamp(name),
            nextSeq: () => this.#nextSeq(),
          }),
          merge: createMerge(this.#db, table, (ordinal) => this.#siteIds.actorOf(ordinal)),
          read: createReadChanges(this.#db, table),
        },
      ]),
    )
  }

  #stamp(table: string): Stamp {
    const running = this.#running
    if (!running) throw new Error('unreachable: a trigger ran outside a transaction')
    running.tables.add(table)
    if (running.version === undefined) {
      running.version = (this.#bookkeeping.heads().get(this.actorId) ?? 0) + 1
      running.ts = this.#now()
    }
    return { dbVersion: running.version, ts: String(running.ts) }
  }

  #nextSeq(): number {
    if (!this.#running) throw new Error('unreachable: a trigger ran outside a transaction')
    return this.#running.seq++
  }

  #defineFunctions(): void {
    const parts = (name: SqlValue = null): TableParts => {
      const table = this.#tables.get(String(name))
      if (!table) throw new Error(`unreachable: no replicated table ${String(name)}`)
      return table
    }
    defineFunctions(this.#db, {
      actorId: this.actorId,
      dbVersion: () => BigInt(this.#bookkeeping.heads().get(this.actorId) ?? 0),
      triggers: {
        crsql_internal_sync_bit: () => (this.#isMerging ? 1n : 0n),
        crsql_after_insert(name, ...key) {
          parts(name).writes.afterInsert(key)
          return null
        },
        crsql_after_delete(name, ...key) {
          parts(name).writes.afterDelete(key)
          return null
        },
        crsql_after_update(name, ...values) {
          const { keyColumns, columns, writes } = parts(name)
          const take = (count: number): SqlRow => values.splice(0, count)
          writes.afterUpdate({
            newKey: take(keyColumns.length),
            oldKey: take(keyColumns.length),
            newCells: take(columns.length),
            oldCells: take(columns.length),
          })
          return null
        },
      },
    })
  }
}
