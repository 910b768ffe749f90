import { DatabaseSync } from 'node:sqlite'
import { expect, test } from '@jest/globals'
import { messageOf } from '../error-message.ts'
import { describePrepareError } from './prepare-error.ts'

const db = new DatabaseSync(':memory:', { enableDoubleQuotedStringLiterals: true })
db.exec('CREATE TABLE t (a, b); CREATE TABLE u (b)')

function refusalOf(sql: string): string | undefined {
  try {
    db.prepare(sql)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

// Offsets as rusqlite 0.37 has them from SQLite 3.50.
test.each<[string, number | undefined]>([
  ['SELEC 1', 0],
  ['SELECT 1 2', 9],
  ['SELECT a, FROM t WHERE a, b', 10],
  ['SELECT (1, 2, ), 3, )', 14],
  ["SELECT 'x", 7],
  ["SELECT 1, x'1", 10],
  ['SELECT @', 7],
  ['SELECT (', undefined],
  ['SELECT nope', 7],
  ["SELECT 'é', nope", 13],
  ['SELECT a, nope FROM t', 10],
  ['SELECT t.nope FROM t', 7],
  ['SELECT x.y.z', 7],
  ['SELECT c FROM (SELECT a AS c FROM t) UNION SELECT c FROM t', 50],
  ['SELECT 1 FROM t, u WHERE b = 1', 25],
  ['SELECT nope(nope) FROM t', 12],
  ['SELECT abs(1), abs(1, 2)', 15],
  ['SELECT 1 WHERE sum(1)', 15],
  ['SELECT ?0', 7],
  ['UPDATE t SET nope = 1', undefined],
  ['UPDATE t SET (a, nope) = (1, 2)', undefined],
  ['UPDATE t SET a = nope', 17],
  ['UPDATE t SET a = 1, b = 2 WHERE nope = 1', 32],
  ['INSERT INTO t (nope) VALUES (1)', undefined],
  ['SELECT * FROM nope', undefined],
  ['CREATE TABLE t (x)', 13],
  ['CREATE TABLE nope.x (x)', 13],
])('%s', (sql, offset) => {
  const message = refusalOf(sql)

  const described = describePrepareError(message ?? '', sql, refusalOf)

  const place = offset === undefined ? '' : ` in ${sql} at offset ${offset}`
  expect(described).toBe(`${message}${place}`)
})

test('a long statement is looked through in time', () => {
  const sql = `SELECT ${'a, '.repeat(50_000)} nope, a a a FROM t`
  const startedAt = performance.now()

  describePrepareError(refusalOf(sql) ?? '', sql, refusalOf)

  expect(performance.now() - startedAt).toBeLessThan(2000)
})
