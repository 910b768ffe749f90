import { expect, test } from '@jest/globals'
import { formatTable } from './table.ts'
import { fit, type Part, textOf, widthOf } from './text.ts'

function lines(rows: Part[][], width = Number.POSITIVE_INFINITY): string[] {
  return formatTable(['A', 'NAME'], rows, width).map((line) => line.map(textOf).join(''))
}

test('columns are aligned, the last one without padding', () => {
  expect(
    lines([
      ['x', 'long name'],
      [{ text: 'xyz', style: 'red' }, 'n'],
    ]),
  ).toEqual(['A    NAME', 'x    long name', 'xyz  n'])
})

test('the last column is cut to the width of the terminal', () => {
  expect(lines([['x', 'a name that is too long']], 20)).toEqual(['A  NAME', 'x  a name that is t…'])
})

test('where that is not enough, each row is told in as many lines as it takes', () => {
  const rows = [
    ['round trip', '5.21 ms'],
    ['write', ''],
    ['x', 'a name that is too long'],
  ]
  expect(lines(rows, 16)).toEqual([
    'round trip',
    '  NAME 5.21 ms',
    'write',
    'x',
    '  NAME a name t…',
  ])
})

test('wide characters take two columns', () => {
  expect(
    lines([
      ['日本', 'x'],
      ['😀', 'y'],
      ['e\u0301', 'z'],
    ]),
  ).toEqual(['A     NAME', '日本  x', '😀    y', 'e\u0301     z'])
  expect(widthOf('👩‍👩‍👧‍👦 ok')).toBe(5)
  expect(fit('日本語', 5)).toBe('日本…')
  expect(fit('日本語', 4)).toBe('日…')
})

test('control characters are shown, not sent to the terminal', () => {
  expect(lines([['1', 'a\u001b[2Jb\nc\u009b\u202e']])[1]).toBe('1  a\\u001b[2Jb\\nc\\u009b\\u202e')
})
