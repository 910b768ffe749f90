import { expect, test } from '@jest/globals'
import { type CellVersion, distinctWrites, ntp64ToMicroseconds, rowVersion } from './row-version.ts'

const cell = (column: string, changes: Partial<CellVersion> = {}): CellVersion => ({
  column,
  siteId: 'a6fd6e2f4f3346ac878b5fa78f98d63d',
  dbVersion: 4,
  ts: '7710574925217013200',
  ...changes,
})

test('the order in which cells are read does not matter to a version', () => {
  expect(rowVersion([cell('a'), cell('b')])).toBe(rowVersion([cell('b'), cell('a')]))
})

test('the name of a version never changes, because other nodes and stored shadows hold it', () => {
  expect(rowVersion([cell('message'), cell('-1', { dbVersion: 9007199254740993n })])).toBe(
    'a2fa65a1ba2b7d25f4f38dbba8033352',
  )
})

test.each([
  ['column', cell('b')],
  ['site', cell('a', { siteId: '0'.repeat(32) })],
  ['db_version', cell('a', { dbVersion: 5 })],
])('another %s is another version', (_what, other) => {
  expect(rowVersion([other])).not.toBe(rowVersion([cell('a')]))
})

test('a clock that runs differently is the same version', () => {
  expect(rowVersion([cell('a', { ts: '0' })])).toBe(rowVersion([cell('a')]))
})

test('the writes of a row are told once each, newest first', () => {
  const newer = { dbVersion: 5, ts: '7710574930413325936' }

  expect(distinctWrites([cell('a'), cell('b'), cell('c', newer)])).toEqual([
    { siteId: cell('c').siteId, ...newer },
    { siteId: cell('a').siteId, dbVersion: 4, ts: cell('a').ts },
  ])
})

test('an NTP64 time is Unix microseconds', () => {
  expect(ntp64ToMicroseconds(String((1_795_258_000n << 32n) | 0x80000000n))).toBe(
    1_795_258_000_500_000,
  )
})
