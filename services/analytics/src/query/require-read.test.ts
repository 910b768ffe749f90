import { RefusalError } from '@corroport/bus'
import { expect, test } from '@jest/globals'
import { requireRead } from './require-read.ts'

test.each([
  ['SELECT 1', 'query'],
  ['  -- DROP\n (SELECT 1) UNION SELECT 2', 'query'],
  ['values (1)', 'query'],
  ['TABLE experiment', 'query'],
  ['WITH a AS (SELECT 1) SELECT * FROM a', 'query'],
  ['EXPLAIN SELECT 1', 'EXPLAIN'],
  ['explain analyze verbose select 1', 'EXPLAIN'],
  ['EXPLAIN (ANALYZE, FORMAT JSON) WITH a AS (SELECT 1) TABLE a', 'EXPLAIN'],
])('%s is let through', (sql, kind) => {
  expect(requireRead(sql)).toBe(kind)
})

test.each([
  '',
  ' -- SELECT',
  ';SELECT 1',
  '/* SELECT */ DROP TABLE experiment',
  '-- x\rCOMMIT -- y\nSELECT 1',
  'BEGIN',
  'COMMIT',
  'SET ROLE postgres',
  'COPY experiment TO PROGRAM $$true$$',
  'DO $$ BEGIN END $$',
  'CALL x()',
  'DELETE FROM experiment',
  'EXPLAIN ANALYZE DELETE FROM experiment',
  'EXPLAIN (ANALYZE) EXECUTE x',
  'EXPLAIN EXPLAIN SELECT 1',
  'EXPLAIN (SELECT 1) DELETE FROM experiment',
  'FETCH ALL FROM x',
  'SELECT 1\0',
  '"SELECT" 1',
])('%s is refused', (sql) => {
  expect(() => requireRead(sql)).toThrow(RefusalError)
})
