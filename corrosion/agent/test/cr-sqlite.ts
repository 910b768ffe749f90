import { DatabaseSync } from 'node:sqlite'
import type { packKey } from '../src/store/packed-key.ts'
import type { Changeset } from '../src/store/store.ts'

/** A database of cr-sqlite itself, as a real agent uses it. */
export class CrSqlite implements Disposable {
  readonly #db: DatabaseSync
  readonly #actorId: string
  #version = 0

  /** `extension`: the library that a real agent has unpacked. */
  constructor(
    path: string,
    { extension, actorId, schema }: { extension: string; actorId: string; schema: string },
  ) {
    this.#actorId = actorId
    const open = (): DatabaseSync => {
      const db = new DatabaseSync(path, { allowExtension: true })
      db.loadExtension(extension, 'sqlite3_crsqlite_init')
      return db
    }
    using made = open()
    made.exec(schema)
    for (const { name } of made
      .prepare("SELECT name FROM pragma_table_list WHERE schema = 'main'")
      .all()) {
      if (/^(?:crsql|sqlite)_/.test(String(name))) continue
      made.prepare('SELECT crsql_as_crr(?)').get(String(name))
    }
    made.exec("SELECT crsql_config_set('merge-equal-values', 1)")
    made
      .prepare('UPDATE crsql_site_id SET site_id = ? WHERE ordinal = 0')
      .run(Buffer.from(actorId, 'hex'))
    made.close()
    this.#db = open()
    this.#db.exec('PRAGMA recursive_triggers = ON')
  }

  /** The version; null when nothing was changed. */
  transact(statements: readonly string[], ts: bigint): number | null {
    this.#db.exec('BEGIN IMMEDIATE')
    this.#db.prepare('SELECT crsql_set_ts(?)').get(String(ts))
    for (const sql of statements) this.#db.exec(sql)
    const { count } =
      this.#db
        .prepare('SELECT count(*) AS count FROM crsql_changes WHERE site_id = ? AND db_version = ?')
        .get(Buffer.from(this.#actorId, 'hex'), this.#version + 1) ?? {}
    // As the agent does: what changed nothing takes no version.
    this.#db.exec(count === 0 ? 'ROLLBACK' : 'COMMIT')
    if (count === 0) return null
    this.#version++
    return this.#version
  }

  apply({ actorId, version, ts, changes }: Changeset): void {
    this.#db.exec('BEGIN IMMEDIATE')
    const insert = this.#db.prepare(
      `INSERT INTO crsql_changes ("table", pk, cid, val, col_version, db_version, site_id, cl, seq, ts)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    const site = Buffer.from(actorId, 'hex')
    for (const { table, pk, cid, val, colVersion, cl, seq } of changes) {
      insert.run(table, pk, cid, val, colVersion, version, site, cl, seq, String(ts))
    }
    this.#db.prepare('SELECT crsql_set_db_version(?, ?)').get(site, version)
    this.#db.exec('COMMIT')
  }

  rows(sql: string): unknown[] {
    const statement = this.#db.prepare(sql)
    statement.setReadBigInts(true)
    statement.setReturnArrays(true)
    return statement.all()
  }

  /** Its own packing, to compare ours with. */
  pack(...values: Parameters<typeof packKey>[0]): Uint8Array {
    const sql = `SELECT crsql_pack_columns(${values.map(() => '?').join(', ')}) AS packed`
    const { packed } = this.#db.prepare(sql).get(...values) ?? {}
    if (!(packed instanceof Uint8Array)) throw new Error('cr-sqlite packed no blob')
    return packed
  }

  [Symbol.dispose](): void {
    this.#db.exec('SELECT crsql_finalize()')
    this.#db.close()
  }
}
