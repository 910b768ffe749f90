import { expect, test } from '@jest/globals'
import { type Cell, cellText, isCell, kindOf, kindsOf, plainValue, sortValue } from './cell.ts'

const big: Cell = { $integer: '9223372036854775807' }
const blob: Cell = { $blob: '3q2+7w==' }

test.each([
  [null, 'NULL', 'NULL', null, null],
  ['NULL', 'text', 'NULL', 'NULL', 'NULL'],
  ['', 'text', '', '', ''],
  [-3, 'integer', '-3', -3, -3],
  [1.5, 'real', '1.5', 1.5, 1.5],
  [big, 'integer', '9223372036854775807', 9223372036854775807n, 2 ** 63],
  [blob, 'blob', "x'deadbeef'", '3q2+7w==', 'deadbeef'],
  [{ $blob: '' }, 'blob', "x''", '', ''],
] as const)('%p is %s %s', (cell, kind, text, plain, sorted) => {
  expect([kindOf(cell), cellText(cell)]).toEqual([kind, text])
  expect([plainValue(cell), sortValue(cell)]).toEqual([plain, sorted])
})

test('a column names every kind that it has', () => {
  expect(kindsOf([1, null, big, 'a'])).toBe('NULL, integer, text')
  expect(kindsOf([])).toBe('')
})

test.each([
  [true, false],
  [undefined, false],
  [[1], false],
  [{}, false],
  [{ $integer: 1 }, false],
  [{ $integer: '1.5' }, false],
  [{ $integer: '1', $blob: '' }, false],
  [{ $blob: '%' }, false],
  [blob, true],
  [big, true],
  [null, true],
])('%j is a cell: %p', (value, is) => {
  expect(isCell(value)).toBe(is)
})
