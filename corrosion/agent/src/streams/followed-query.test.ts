import { expect, test } from '@jest/globals'
import type { Statement } from '../store/statement.ts'
import { expandStatement, readFollowedQuery } from './followed-query.ts'
import { StreamRefusedError } from './line-stream.ts'
import { openFollowing } from './materialized-query.ts'

const db = openFollowing({ path: ':memory:', actorId: '0'.repeat(32), heads: () => new Map() })
db.exec(`
  CREATE TABLE message (pk TEXT NOT NULL PRIMARY KEY, text TEXT NOT NULL DEFAULT '', at INTEGER);
  CREATE INDEX message_at ON message (at);
  CREATE TABLE pair (a INTEGER NOT NULL, b TEXT NOT NULL, v TEXT, w BLOB, g TEXT AS (upper(v) || h) VIRTUAL, h TEXT AS (w), PRIMARY KEY (a, b));
  CREATE TABLE __corro_members (address TEXT);
`)
const tables = new Map(
  [
    { name: 'message', keyColumns: ['pk'], columns: ['text', 'at'] },
    { name: 'pair', keyColumns: ['a', 'b'], columns: ['v', 'w'] },
  ].map((table) => [table.name, table]),
)
const expand = (sql: string, params: Statement['params'] = []): string =>
  expandStatement(db, { sql, params })
const read = (sql: string) => readFollowedQuery(db, expand(sql), tables)
const refusal = (run: () => unknown): [status: number, message: string] => {
  try {
    run()
  } catch (error) {
    if (error instanceof StreamRefusedError) return [error.status, error.message]
    throw error
  }
  throw new Error('it was not refused')
}

// What a real agent answered.
test.each([
  ['', 500, 'could not expand sql statement'],
  [' ; -- nothing', 500, 'could not expand sql statement'],
  ['EXPLAIN SELECT pk FROM message', 400, 'one statement is required for matching'],
  ['PRAGMA user_version', 400, 'unsupported statement'],
  ['DELETE FROM message', 400, 'unsupported statement'],
  ['CREATE TABLE x (a)', 400, 'unsupported statement'],
  ['WITH c AS (SELECT 1) DELETE FROM message', 400, 'unsupported statement'],
  ['VALUES (1)', 400, 'at least 1 table is required in FROM / JOIN clause'],
  ['SELECT 1', 400, 'at least 1 table is required in FROM / JOIN clause'],
  ['SELECT 1 IS DISTINCT FROM 2', 400, 'at least 1 table is required in FROM / JOIN clause'],
  ['DELETE FROM nope', 400, 'no such table: nope'],
  ['SELECT * FROM nope', 400, 'no such table: nope'],
  ['SELECT pk FROM message WHERE', 400, 'incomplete input'],
  ['SELEC', 400, 'near "SELEC": syntax error in SELEC at offset 0'],
  [
    'SELECT nocol FROM message',
    400,
    'no such column: nocol in SELECT nocol FROM message at offset 7',
  ],
  ['SELECT pk FROM message; SELECT 1', 400, 'Multiple statements provided'],
  ['SELECT pk FROM message; garbage', 400, 'near "garbage": syntax error in  garbage at offset 1'],
  ['SELECT address FROM __corro_members', 400, 'table not found in schema: __corro_members'],
  ['SELECT pk FROM "message"', 400, 'table not found in schema: "message"'],
  ['SELECT pk FROM [message]', 400, 'table not found in schema: [message]'],
  ['SELECT pk FROM MESSAGE', 400, 'table not found in schema: MESSAGE'],
  ['SELECT PK FROM message', 400, 'could not find table for column PK'],
  ['SELECT rowid FROM message', 400, 'could not find table for column rowid'],
  ['SELECT pk FROM message WHERE true', 400, 'could not find table for column true'],
  ["SELECT pk AS x FROM message WHERE x = '1'", 400, 'could not find table for column x'],
])('%s is refused', (sql, status, message) => {
  expect(refusal(() => read(sql))).toEqual([status, message])
})

test.each([
  ['SELECT DISTINCT text FROM message', 'DISTINCT'],
  ['SELECT count(*) FROM message', 'aggregates'],
  ['SELECT max(at) FROM message WHERE at > 1', 'aggregates'],
  ['SELECT text, sum(at) FROM message GROUP BY text', 'GROUP BY'],
  ['SELECT pk FROM message ORDER BY at', 'ORDER BY'],
  ['SELECT pk FROM message LIMIT 1', 'LIMIT'],
  ['SELECT pk FROM message UNION SELECT b FROM pair', 'compound'],
  ['SELECT pk FROM message, pair', 'joins'],
  ['SELECT pk FROM message NATURAL LEFT JOIN pair', 'joins'],
  ['SELECT pk FROM message WHERE pk IN (SELECT b FROM pair)', 'sub-selects'],
  ['SELECT pk FROM message WHERE EXISTS (SELECT 1)', 'sub-selects'],
  ['SELECT x FROM (SELECT 1 AS x)', 'a FROM without a table'],
  ["SELECT value FROM json_each('[1]')", 'a FROM without a table'],
  ['SELECT row_number() OVER () FROM message', 'window functions'],
  ['WITH c AS (SELECT 1) SELECT pk FROM message', 'WITH'],
  ['SELECT n.pk FROM message AS "n"', 'the alias "n"'],
  ['SELECT N.pk FROM message n', 'the qualifier N'],
  ['SELECT MESSAGE.pk FROM message', 'the qualifier MESSAGE'],
])('%s is not followed, and the answer says why', (sql, what) => {
  const [status, message] = refusal(() => read(sql))
  expect(status).toBe(400)
  expect(message.startsWith(`the development agent refuses ${what}`)).toBe(true)
  expect(message).toContain(': ')
})

test.each([
  ['SELECT * FROM message', ['pk', 'text', 'at']],
  ['SELECT m.*, 1 FROM message m', ['pk', 'text', 'at']],
  ['SELECT pk FROM main.message', ['pk']],
  ['SELECT all message.pk text FROM message', ['pk']],
  ['SELECT text || at AS pk FROM message WHERE 1', ['text', 'at']],
  ['SELECT CAST(text AS INTEGER) FROM message', ['text']],
  ['SELECT text COLLATE nocase at FROM message', ['text']],
  ['SELECT pk FROM message INDEXED BY message_at WHERE at > 0', ['pk', 'at']],
  ['SELECT pk FROM message NOT INDEXED', ['pk']],
  ['SELECT pk /* text */ FROM message -- at', ['pk']],
  ["SELECT pk FROM message WHERE text IS DISTINCT FROM 'at'", ['pk', 'text']],
  ["SELECT pk, x'00', 'text', current_time, 1e3 FROM message", ['pk']],
  ['SELECT pk, [at], "text" FROM message', ['pk']],
  ['SELECT pk FROM message WHERE text = "no column"', ['pk', 'text']],
  ['SELECT pk FROM message WHERE at BETWEEN length(text) AND 5 OR pk', ['at', 'pk']],
  [
    'SELECT CASE pk WHEN 1 THEN (CASE 1 WHEN 2 THEN text END) ELSE at END FROM message',
    ['pk', 'at'],
  ],
  ['SELECT g FROM pair', ['g', 'v', 'h', 'w']],
  ['SELECT lower(v), iif(a, 1, 2) FROM pair WHERE (a, b) = (1, 2)', ['v', 'a', 'b']],
])('%s mentions %j', (sql, columns) => {
  expect([...read(sql).mentioned].toSorted()).toEqual(columns.toSorted())
})

test('a query is cut so that it runs for some keys only', () => {
  expect(read("SELECT x.*, 1 AS one FROM pair x WHERE v = ';' OR 1 -- all\n;")).toMatchObject({
    columnNames: ['a', 'b', 'v', 'w', 'g', 'h', 'one'],
    keyColumns: ['__corro_pk_x_a', '__corro_pk_x_b'],
    selectAll:
      "SELECT x.a, x.b, x.a, x.b, x.v, x.w, x.g, x.h, 1 AS one FROM pair x WHERE v = ';' OR 1",
    selectTouched:
      "SELECT x.a, x.b, x.a, x.b, x.v, x.w, x.g, x.h, 1 AS one FROM pair AS x WHERE (x.a, x.b) IN __corro_sub.temp_pair AND (v = ';' OR 1)",
  })
})

test.each<[sql: string, params: Statement['params'], expanded: string]>([
  ['SELECT ?, ?', [1n, "it's"], "SELECT 1, 'it''s'"],
  ['SELECT ?2, ?1', [1.5, null], 'SELECT NULL, 1.5'],
  ['SELECT ?, ?', [Uint8Array.of(1, 255)], "SELECT x'01ff', NULL"],
  ['SELECT :a, @b, $c, :a', { ':a': 1n, $c: 'c', ':unknown': 2n }, "SELECT 1, NULL, 'c', 1"],
  ['SELECT :a, ?', ['first', 2n], "SELECT 'first', 2"],
  ["SELECT '?', 1 -- ?", [], "SELECT '?', 1 -- ?"],
  [' SELECT 9223372036854775807 ; ', [], ' SELECT 9223372036854775807 ;'],
])('%s with its parameters in it', (sql, params, expanded) => {
  expect(expand(sql, params)).toBe(expanded)
})

test('too many parameters are refused, too few are NULL', () => {
  expect(refusal(() => expand('SELECT ?', [1n, 2n]))).toEqual([400, 'column index out of range'])
})
