import type { DatabaseSync } from 'node:sqlite'
import { changesViewSql } from './changes.ts'
import { quote, quoteText } from './quote.ts'
import type { TableDefinition } from './schema-file.ts'
import { type ReplicatedTable, SchemaError } from './store.ts'

/** The replicated tables of a database, by name. */
export function readTables(db: DatabaseSync): ReplicatedTable[] {
  return db
    .prepare("SELECT name FROM __corro_schema WHERE type = 'table' ORDER BY name")
    .all()
    .map(({ name }) => readTable(db, String(name)))
}

function readTable(db: DatabaseSync, name: string): ReplicatedTable {
  const columns = columnsOf(db, name)
  const inKey = columns
    .filter(({ pk }) => pk > 0)
    .toSorted((a, b) => a.pk - b.pk)
    .map((column) => column.name)
  const others = columns.filter(({ pk, hidden }) => pk === 0 && hidden === 0)
  return { name, keyColumns: inKey, columns: others.map((column) => column.name) }
}

/**
 * Merges definitions into the database, inside the caller's transaction. Gives the tables that were
 * there already without being replicated.
 */
export function changeSchema(
  db: DatabaseSync,
  definitions: readonly TableDefinition[],
): ReplicatedTable[] {
  const known = new Set(readTables(db).map(({ name }) => name))
  const imported: ReplicatedTable[] = []
  const save = db.prepare("INSERT OR REPLACE INTO __corro_schema VALUES (?, ?, ?, ?, 'api')")
  for (const definition of definitions) {
    const { name, sql } = definition
    if (known.has(name)) {
      changeColumns(db, definition)
    } else if (columnsOf(db, name).length > 0) {
      requireSame(db, definition)
      imported.push(readTable(db, name))
    } else {
      db.exec(sql)
    }
    save.run(name, 'table', name, sql)
    changeIndexes(db, definition)
    for (const [index, text] of definition.indexes) save.run(name, 'index', index, text)
    replicate(db, readTable(db, name))
  }
  db.exec('DROP VIEW IF EXISTS crsql_changes')
  db.exec(changesViewSql(readTables(db)))
  return imported
}

interface StoredColumn {
  name: string
  type: string
  notnull: number
  dflt: string | null
  pk: number
  hidden: number
}

function columnsOf(db: DatabaseSync, table: string): StoredColumn[] {
  return db
    .prepare('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)')
    .all(table)
    .map((row) => ({
      name: String(row.name),
      type: String(row.type),
      notnull: Number(row.notnull),
      dflt: row.dflt_value === null ? null : String(row.dflt_value),
      pk: Number(row.pk),
      hidden: Number(row.hidden),
    }))
}

function changeColumns(db: DatabaseSync, { name, columns }: TableDefinition): void {
  const stored = columnsOf(db, name)
  for (const column of stored) {
    const wanted = columns.find((other) => other.name === column.name)
    if (!wanted) {
      throw new SchemaError(
        `won't remove column without the destructive flag set (table: '${name}', column: '${column.name}')`,
      )
    }
    if (!isSame(column, wanted)) {
      throw new SchemaError(
        `won't change column without the destructive flag set (table: '${name}', column: '${column.name}')`,
      )
    }
  }
  for (const column of columns) {
    if (stored.some((other) => other.name === column.name)) continue
    if (column.keyPosition > 0) {
      throw new SchemaError(`can't add a primary key (table: '${name}', column: '${column.name}')`)
    }
    db.exec(`ALTER TABLE ${quote(name)} ADD COLUMN ${column.sql}`)
  }
}

function isSame(stored: StoredColumn, wanted: TableDefinition['columns'][number]): boolean {
  return (
    stored.type === wanted.type &&
    stored.notnull === Number(wanted.isNotNull) &&
    stored.dflt === wanted.defaultValue &&
    stored.pk === wanted.keyPosition &&
    (stored.hidden !== 0) === wanted.isGenerated
  )
}

function requireSame(db: DatabaseSync, { name, columns }: TableDefinition): void {
  const stored = columnsOf(db, name)
  const same =
    stored.length === columns.length &&
    columns.every((column, index) => {
      const other = stored[index]
      return other !== undefined && other.name === column.name && isSame(other, column)
    })
  if (!same) throw new SchemaError(`table '${name}' exists already, with other columns`)
}

/** Those of the definition, and no others. */
function changeIndexes(db: DatabaseSync, { name, indexes }: TableDefinition): void {
  const stored = db
    .prepare("SELECT name, sql FROM __corro_schema WHERE tbl_name = ? AND type = 'index'")
    .all(name)
  const forget = db.prepare("DELETE FROM __corro_schema WHERE type = 'index' AND name = ?")
  const kept = new Set<string>()
  for (const { name: index, sql } of stored) {
    const isKept = indexes.get(String(index)) === sql
    if (isKept) kept.add(String(index))
    else {
      db.exec(`DROP INDEX IF EXISTS ${quote(String(index))}`)
      forget.run(String(index))
    }
  }
  for (const [index, sql] of indexes) if (!kept.has(index)) db.exec(sql)
}

/** Clock, key table and triggers, as cr-sqlite makes them. */
function replicate(db: DatabaseSync, { name, keyColumns, columns }: ReplicatedTable): void {
  const clock = quote(`${name}__crsql_clock`)
  const pks = quote(`${name}__crsql_pks`)
  const keys = keyColumns.map(quote).join(',')
  const literal = quoteText(name)
  const row = (which: 'NEW' | 'OLD', names: readonly string[]): string[] =>
    names.map((column) => `${which}.${quote(column)}`)
  const update = [
    ...row('NEW', keyColumns),
    ...row('OLD', keyColumns),
    ...row('NEW', columns),
    ...row('OLD', columns),
  ]
  const trigger = (suffix: string, event: string, call: string): string => {
    const title = quote(`${name}__crsql_${suffix}`)
    return `DROP TRIGGER IF EXISTS ${title};
      CREATE TRIGGER ${title} AFTER ${event} ON ${quote(name)} WHEN crsql_internal_sync_bit() = 0
      BEGIN VALUES (${call}); END;`
  }
  db.exec(`
    CREATE TABLE IF NOT EXISTS ${clock} (
      key INTEGER NOT NULL,
      col_name TEXT NOT NULL,
      col_version INTEGER NOT NULL,
      db_version INTEGER NOT NULL,
      site_id INTEGER NOT NULL DEFAULT 0,
      seq INTEGER NOT NULL,
      ts TEXT NOT NULL DEFAULT '0',
      PRIMARY KEY (key, col_name)
    ) WITHOUT ROWID, STRICT;
    CREATE INDEX IF NOT EXISTS ${quote(`${name}__crsql_clock_dbv_idx`)} ON ${clock} (site_id, db_version);
    CREATE TABLE IF NOT EXISTS ${pks} (__crsql_key INTEGER PRIMARY KEY, ${keys});
    CREATE UNIQUE INDEX IF NOT EXISTS ${quote(`${name}__crsql_pks_pks`)} ON ${pks} (${keys});
    ${trigger('itrig', 'INSERT', `crsql_after_insert(${[literal, ...row('NEW', keyColumns)].join(', ')})`)}
    ${trigger('utrig', 'UPDATE', `crsql_after_update(${[literal, ...update].join(', ')})`)}
    ${trigger('dtrig', 'DELETE', `crsql_after_delete(${[literal, ...row('OLD', keyColumns)].join(', ')})`)}
  `)
}
