import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createTemporaryFolder } from '@corroport/testing'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { createClock } from '../src/clock.ts'
import { openStore } from '../src/store/open-store.ts'
import { defineFunctions } from '../src/store/read-functions.ts'
import type { Changeset, Commit, Store } from '../src/store/store.ts'

const schema = `
CREATE TABLE item (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL DEFAULT '', count INTEGER);
CREATE INDEX item_name ON item (name);
`
const clock = createClock()
const other = 'aaaaaaaaaaaa4aaaaaaaaaaaaaaaaaaa'
let folder: ReturnType<typeof createTemporaryFolder>
let path: string
let store: Store

beforeEach(() => {
  folder = createTemporaryFolder()
  path = join(folder.path, 'corrosion.db')
  store = open()
  store.applySchema(schema)
})

afterEach(() => {
  store[Symbol.dispose]()
  folder[Symbol.dispose]()
})

const open = (): Store => openStore({ path, now: () => clock.now() })
const transact = (...statements: string[]) =>
  store.transact(statements.map((sql) => ({ sql, params: [] })))
const rows = (sql: string): unknown[] => {
  using db = new DatabaseSync(path, { readOnly: true })
  const statement = db.prepare(sql)
  statement.setReturnArrays(true)
  return statement.all()
}
const changeset = (
  version: number,
  changes: Partial<Changeset['changes'][number]>[],
): Changeset => ({
  actorId: other,
  version,
  ts: 5n,
  lastSeq: changes.length - 1,
  changes: changes.map((change, seq) => ({
    table: 'item',
    pk: Uint8Array.of(1, 0x0b, 1, 0x78), // 'x'
    cid: 'name',
    val: 'theirs',
    colVersion: 1,
    cl: 1,
    seq,
    ...change,
  })),
})

test('a transaction has one version, or none when nothing was changed', () => {
  const commits: Commit[] = []
  store.onCommit((commit) => commits.push(commit))

  expect(
    transact("INSERT INTO item VALUES ('a', 'n', 1)", "DELETE FROM item WHERE id = 'b'"),
  ).toEqual({
    version: 1,
    results: [
      { rowsAffected: 1, timeSeconds: expect.any(Number) },
      { rowsAffected: 0, timeSeconds: expect.any(Number) },
    ],
    timeSeconds: expect.any(Number),
  })
  expect(transact("UPDATE item SET name = 'n'").version).toBeNull()
  expect(transact("UPDATE item SET name = 'm'").version).toBe(2)
  expect(commits.map(({ origin, changesets }) => [origin, changesets[0]?.version])).toEqual([
    ['local', 1],
    ['local', 2],
  ])
  expect(store.heads()).toEqual(new Map([[store.actorId, 2]]))
})

test('a transaction that fails leaves nothing, and takes no version', () => {
  transact("INSERT INTO item (id) VALUES ('a')")

  expect(() =>
    transact("INSERT INTO item (id) VALUES ('b')", "INSERT INTO item (id) VALUES ('a')"),
  ).toThrow('UNIQUE constraint failed: item.id')
  expect(transact("INSERT INTO item (id) VALUES ('c')").version).toBe(2)
  expect(rows('SELECT id FROM item ORDER BY id')).toEqual([['a'], ['c']])
})

test.each([
  ['INSER', 'near "INSER": syntax error in INSER at offset 0'],
  ["UPDATE item SET nam = 'ü', count = NULL", 'no such column: nam'],
  [
    'DELETE FROM item WHERE nope(id)',
    'no such function: nope in DELETE FROM item WHERE nope(id) at offset 23',
  ],
  ['DELETE FROM nope', 'no such table: nope'],
  ['SELECT 1', 'Execute returned results - did you mean to call query?'],
  ["INSERT INTO item (id) VALUES ('r') RETURNING id", 'Execute returned results'],
  ['DELETE FROM item; DELETE FROM item', 'Multiple statements provided'],
  ['BEGIN', 'cannot start a transaction within a transaction'],
  ['DELETE FROM item WHERE id = ?', 'Wrong number of parameters passed to query. Got 0, needed 1'],
])('%s is refused', (sql, message) => {
  expect(() => transact(sql)).toThrow(message)
  expect(transact("INSERT INTO item (id) VALUES ('next')").version).toBe(1)
})

test.each([
  ['COMMIT', 'refuses COMMIT and ROLLBACK'],
  ['ROLLBACK', 'refuses COMMIT and ROLLBACK'],
  ['END', 'refuses COMMIT and ROLLBACK'],
  ['DROP TABLE item', 'refuses DROP of a replicated table'],
  ['ALTER TABLE item ADD COLUMN more', 'refuses ALTER of a replicated table'],
  ["ATTACH ':memory:' AS m", 'refuses ATTACH'],
])('%s, which would break what is replicated, is refused', (sql, message) => {
  expect(() => transact("INSERT INTO item (id) VALUES ('a')", sql)).toThrow(message)
  expect(rows('SELECT * FROM item')).toEqual([])
  expect(transact("INSERT INTO item (id) VALUES ('a')").version).toBe(1)
})

test.each([
  [['?, ?', ['a', 5n]]],
  [['?2, ?1', [5n, 'a']]],
  [[':id, @n', ['a', 5n]]],
  [[':id, @n', { ':id': 'a', '@n': 5n }]],
  [[':id, ?', ['a', 5n]]],
] as const)('parameters are bound: %j', ([values, params]) => {
  store.transact([{ sql: `INSERT INTO item (id, count) VALUES (${values})`, params }])

  expect(rows('SELECT id, count FROM item')).toEqual([['a', 5]])
})

test('integers beyond 2^53 stay exact, as keys too', () => {
  store.applySchema('CREATE TABLE big (id INTEGER NOT NULL PRIMARY KEY, v)')
  expect(transact('INSERT INTO big VALUES (9223372036854775807, 1)').results[0]?.rowsAffected).toBe(
    1,
  )
  const count = 2n ** 63n - 1n
  store.transact([{ sql: "INSERT INTO item VALUES ('a', '', ?)", params: [count] }])

  expect(store.changeset(store.actorId, 2)?.changes.map(({ val }) => val)).toEqual(['', count])
})

test('versions of others are held once, in any order, and what lies between is a gap', () => {
  expect(store.apply([changeset(3, [{}])]).applied).toHaveLength(1)
  expect(store.gaps()).toEqual(new Map([[other, [{ start: 1, end: 2 }]]]))
  store.learnHead(other, 6)
  expect(
    store.apply([changeset(3, [{}]), changeset(5, []), changeset(1, [])]).applied,
  ).toHaveLength(2)
  expect([3, 4, 5].map((version) => store.isHeld(other, version))).toEqual([true, false, true])
  expect(store.changeset(other, 3)?.changes).toHaveLength(1)
  expect(store.changeset(other, 5)?.changes).toEqual([])
  expect(store.changeset(other, 4)).toBeUndefined()

  store[Symbol.dispose]()
  store = open()
  expect(store.gaps()).toEqual(new Map([[other, [2, 4, 6].map((at) => ({ start: at, end: at }))]]))
})

test('those who listen hear of a remote change only where it won', () => {
  store.apply([changeset(2, [{ val: 'theirs', colVersion: 2 }])])
  const commits: Commit[] = []
  store.onCommit((commit) => commits.push(commit))

  store.apply([changeset(1, [{ val: 'older' }, { cid: 'count', val: 5n }])])

  expect(commits.map(({ changesets }) => changesets.map(({ changes }) => changes))).toEqual([
    [[expect.objectContaining({ cid: 'count', val: 5n })]],
  ])
})

test('a transaction may have 60,000 rows', () => {
  transact(
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 60000) INSERT INTO item (id) SELECT 'row-' || i FROM n",
  )

  expect(store.changeset(store.actorId, 1)?.changes).toHaveLength(120_000)
})

test('what another agent has is not known before it is written', () => {
  store.learnHead(other, 2)
  using holder = new DatabaseSync(path)
  holder.exec('BEGIN IMMEDIATE')

  expect(() => store.learnHead(other, 4)).toThrow('database is locked')
  expect(store.gaps()).toEqual(new Map([[other, [{ start: 1, end: 2 }]]]))

  holder.exec('ROLLBACK')
  store.learnHead(other, 4)
  expect(store.gaps()).toEqual(new Map([[other, [{ start: 1, end: 4 }]]]))
})

test('a version that cannot be merged stays a gap, whole, and hinders no other', () => {
  const { applied, failed } = store.apply([
    changeset(1, [{}, { table: 'later' }]),
    changeset(2, [{}, { cid: 'later' }]),
    changeset(3, [{ pk: Uint8Array.of(9) }]),
    changeset(4, [{ val: 'good' }]),
  ])

  expect(applied.map(({ version }) => version)).toEqual([4])
  expect(failed.map(({ error }) => error.message)).toEqual([
    'crsql - could not find the schema information for table later',
    'no such column: item.later',
    'a packed key ends early',
  ])
  expect(rows('SELECT * FROM item')).toEqual([['x', 'good', null]])
  expect(store.gaps()).toEqual(new Map([[other, [{ start: 1, end: 3 }]]]))
})

test('an actor whose first version cannot be merged keeps its own number for the next', () => {
  store.apply([changeset(1, [{ table: 'later' }]), changeset(2, [{}])])
  store[Symbol.dispose]()
  store = open()
  store.apply([{ ...changeset(1, [{ val: 'another' }]), actorId: 'b'.repeat(32) }])

  expect(rows('SELECT lower(hex(site_id)) FROM crsql_site_id ORDER BY ordinal')).toEqual([
    [store.actorId],
    [other],
    ['b'.repeat(32)],
  ])
  expect(store.changeset(other, 2)?.changes).toHaveLength(1)
})

test('a column that comes later takes what was a gap, and old rows have its default', () => {
  transact("INSERT INTO item (id) VALUES ('a')")
  store.apply([changeset(1, [{ cid: 'colour', val: 'red' }])])

  store.applySchema(
    "CREATE TABLE item (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL DEFAULT '', count INTEGER, colour TEXT NOT NULL DEFAULT 'none')",
  )

  expect(store.apply([changeset(1, [{ cid: 'colour', val: 'red' }])]).applied).toHaveLength(1)
  expect(rows('SELECT id, colour FROM item ORDER BY id')).toEqual([
    ['a', 'none'],
    ['x', 'red'],
  ])
  expect(transact("UPDATE item SET colour = 'blue' WHERE id = 'a'").version).toBe(2)
  expect(rows("SELECT name FROM sqlite_schema WHERE name = 'item_name'")).toEqual([])
})

test.each([
  ['CREATE TABLE t (id TEXT PRIMARY KEY)', 'Table t has no primary key or primary key is nullable'],
  [
    'CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, x TEXT NOT NULL)',
    "not nullable column 'x' on table 't' needs a default value for forward schema compatibility",
  ],
  [
    'CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, x UNIQUE)',
    'Table t has unique indices besidesthe primary key. This is not allowed for CRRs',
  ],
  ['CREATE TABLE t (id TEXT)', 'Table t has no primary key or primary key is nullable'],
  [
    'CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, x); CREATE UNIQUE INDEX u ON t (x)',
    'unique indexes are not supported: u',
  ],
  ['INSERT INTO x VALUES (1)', 'unsupported command: INSERT INTO x VALUES (1);'],
  ['CREATE VIEW v AS SELECT 1', 'unsupported command: CREATE VIEW v AS SELECT 1;'],
  [
    'CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL)',
    't has auto-increment primary keys.',
  ],
  [
    'CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, x REFERENCES item (id))',
    "foreign keys are not supported (table: 't', column: 'x')",
  ],
  [
    'CREATE TEMP TABLE t (id TEXT NOT NULL PRIMARY KEY)',
    'temporary tables are not supported: CREATE TEMP TABLE',
  ],
  ['CREATE TABLE t AS SELECT 1', 'temporary tables are not supported: CREATE TABLE t AS SELECT 1;'],
  ['CREATE INDEX i ON nope (x)', "missing table for index (table: 'nope', index: 'i')"],
  ['CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, PRIMARY KEY (id, lower(id)))', ''],
  [
    "CREATE TABLE item (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL DEFAULT 'x', count INTEGER)",
    "won't change column without the destructive flag set (table: 'item', column: 'name')",
  ],
  [
    'CREATE TABLE item (id TEXT NOT NULL PRIMARY KEY, count INTEGER)',
    "won't remove column without the destructive flag set (table: 'item', column: 'name')",
  ],
])('the schema %s is refused, and nothing of its file is taken', (sql, message) => {
  expect(() =>
    store.applySchema(`CREATE TABLE before (id TEXT NOT NULL PRIMARY KEY); ${sql}`),
  ).toThrow(message)
  expect([...store.tables.keys()]).toEqual(['item'])
  expect(transact("INSERT INTO item (id) VALUES ('a')").version).toBe(1)
})

test('a table that is left out of the files is kept; rows that were there before are replicated', () => {
  transact("CREATE TABLE loose (id INTEGER PRIMARY KEY NOT NULL, v TEXT DEFAULT 'x')")
  transact('INSERT INTO loose (id) VALUES (1), (2)')
  store.applySchema("CREATE TABLE loose (id INTEGER PRIMARY KEY NOT NULL, v TEXT DEFAULT 'x')")

  expect([...store.tables.keys()]).toEqual(['item', 'loose'])
  expect(store.changeset(store.actorId, 1)?.changes).toHaveLength(2)
})

test('crsql_changes shows every cell', () => {
  transact("INSERT INTO item VALUES ('a', 'n', 1)")
  using db = new DatabaseSync(path, { readOnly: true, returnArrays: true })
  defineFunctions(db, { actorId: store.actorId, dbVersion: () => 1n })

  const cells = db.prepare('SELECT "table", hex(pk), cid, val, db_version, seq FROM crsql_changes')
  expect(cells.all()).toEqual([
    ['item', '010B0161', 'name', 'n', 1, 0],
    ['item', '010B0161', 'count', 1, 1, 1],
  ])
})

test('the actor id and all rows survive a restart', () => {
  transact("INSERT INTO item (id) VALUES ('a')")
  const { actorId } = store
  store[Symbol.dispose]()
  store = open()

  expect(store.actorId).toBe(actorId)
  expect(transact("INSERT INTO item (id) VALUES ('b')").version).toBe(2)
})

test('a second process on the same file is told who holds it', () => {
  const second = `
    const { openStore } = await import(${JSON.stringify(join(import.meta.dirname, '../src/store/open-store.ts'))})
    try { openStore({ path: ${JSON.stringify(path)}, now: () => 1n }) } catch (error) { console.log(error.message) }`
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', second], {
    encoding: 'utf8',
  })

  expect(stdout).toBe(`${path} is held by another agent (process ${process.pid}); end it first\n`)
})

test.each([
  [
    'a text',
    (file: string) => writeFileSync(file, 'no database at all, but long enough to be read'),
    'cannot open',
  ],
  [
    "another program's",
    (file: string) => new DatabaseSync(file).exec('CREATE TABLE x (y)'),
    'of another program',
  ],
  [
    'a real agent',
    (file: string) => new DatabaseSync(file).exec('CREATE TABLE crsql_master (y)'),
    'of a real Corrosion agent',
  ],
])('%s database is not opened', (_whose, make, message) => {
  const file = join(folder.path, 'other.db')
  make(file)

  expect(() => openStore({ path: file, now: () => 1n })).toThrow(message)
})
