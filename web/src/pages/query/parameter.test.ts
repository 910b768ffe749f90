import { expect, test } from '@jest/globals'
import { readParameter, toTyped } from './parameter.ts'

test.each([
  ['text', ' a ', ' a '],
  ['text', '', ''],
  ['integer', ' 60 ', 60],
  ['integer', '-9223372036854775808', { $integer: '-9223372036854775808' }],
  ['number', '1e-3', 0.001],
  ['blob', "x'00FF'", { $blob: 'AP8=' }],
  ['blob', '', { $blob: '' }],
  ['NULL', 'whatever', null],
] as const)('%s %j is the cell %j', (kind, text, cell) => {
  expect(readParameter({ kind, text })).toEqual({ cell })
})

test.each([
  ['integer', '', 'whole number'],
  ['integer', '1.5', 'whole number'],
  ['integer', '9223372036854775808', '64 bits'],
  ['integer', '0', '1 or more'],
  ['number', ' ', 'a number'],
  ['number', 'Infinity', 'a number'],
  ['blob', 'abc', 'hexadecimal'],
] as const)('%s %j is refused with what would be right', (kind, text, reason) => {
  expect(readParameter({ kind, text }, 1)).toEqual({ error: expect.stringContaining(reason) })
})

test.each([
  [null],
  ['a'],
  [3],
  [1.5],
  [2 ** 60],
  [{ $integer: '9223372036854775807' }],
  [{ $blob: 'AP8=' }],
])('%j comes back as it was', (cell) => {
  expect(readParameter(toTyped(cell))).toEqual({ cell })
})
