import { expect, test } from '@jest/globals'
import { placeOfError } from './statement-place.ts'

test.each([
  ['near "fro": syntax error, line 1, column 10', 'SELECT a fro b', 0, 'fro'],
  ['near "b": syntax error, line 2, column 7', 'SELECT a\n  FRO b WHERE', 0, 'b'],
  ['x, line 1, column 29', 'SELECT * fro b', 'EXPLAIN QUERY PLAN '.length, 'fro'],
  ['x, line 2, column 1', 'SELECT\n)', 19, ')'],
  ['incomplete input, line 1, column 9', 'SELECT 1', 0, ''],
])('%s is at its word', (message, sql, before, word) => {
  const place = placeOfError(message, sql, before)

  expect(sql.slice(place?.from, place?.to)).toBe(word)
  expect(place).toBeDefined()
})

test.each([
  ['no such table: x', 'SELECT 1'],
  ['x, line 9, column 9', 'SELECT 1'],
  ['x, line 1, column 3', 'SELECT 1'],
])('%s has no place that is known', (message, sql) => {
  expect(placeOfError(message, sql, 19)).toBeUndefined()
})
