import { expect, test } from '@jest/globals'

import { intersect, lowest, type Ranges, size, subtract, union } from './ranges.ts'

function ranges(text: string): Ranges {
  return text === ''
    ? []
    : text.split(' ').map((one) => {
        const [start = '', end = start] = one.split('-')
        return { start: Number(start), end: Number(end) }
      })
}

test.each([
  ['1-10', '', '1-10'],
  ['1-10', '1-10', ''],
  ['1-10', '3-4', '1-2 5-10'],
  ['1-10', '1-3 5 9-12', '4 6-8'],
  ['1-3 5-7', '2-6', '1 7'],
  ['5-7', '1-2 4-5', '6-7'],
  ['', '1-2', ''],
])('%s without %s is %s', (from, without, left) => {
  expect(subtract(ranges(from), ranges(without))).toEqual(ranges(left))
})

test.each([
  ['1-3', '4-6', '1-6'],
  ['1-3', '5', '1-3 5'],
  ['1-9', '2-3', '1-9'],
])('%s and %s together are %s', (one, other, both) => {
  expect(union(ranges(one), ranges(other))).toEqual(ranges(both))
  expect(union(ranges(other), ranges(one))).toEqual(ranges(both))
})

test('what two have in common, the lowest of it, and how many', () => {
  expect(intersect(ranges('1-5 8-9'), ranges('4-8'))).toEqual(ranges('4-5 8'))
  expect(lowest(ranges('1-3 7-9'), 4)).toEqual(ranges('1-3 7'))
  expect(size(ranges('1-3 7'))).toBe(4)
})
