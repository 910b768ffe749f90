import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { databaseKind, requireDatabaseOf } from './agent-database.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'corroport-local-'))
  path = join(folder, 'corrosion.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test.each([
  [['crsql_site_id', 'dev_agent'], 'development'],
  [['crsql_site_id'], 'real'],
  [['node_messages'], undefined],
] as const)('a database with %j is of kind %s', (tables, kind) => {
  createDatabase(tables)

  expect(databaseKind(path)).toBe(kind)
})

test('a file that is not there, or no database, is nobody’s', () => {
  expect(databaseKind(path)).toBeUndefined()
  writeFileSync(path, 'no database at all, and longer than a header of one hundred bytes'.repeat(3))
  expect(databaseKind(path)).toBeUndefined()
})

test('an agent is not started on what the other kind has stored', () => {
  createDatabase(['crsql_site_id', 'dev_agent'])

  expect(requireDatabaseOf('development', path)).toBeUndefined()
  expect(() => requireDatabaseOf('real', path)).toThrow(
    /was made by a development agent.* --fresh, or start with --agents development$/,
  )
})

function createDatabase(tables: readonly string[]): void {
  using db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = WAL')
  for (const table of tables) db.exec(`CREATE TABLE ${table} (id)`)
}
