import { expect, test } from '@jest/globals'
import { parseJson, stringifyJson } from './json.ts'

test.each<[string, unknown]>([
  ['1', 1],
  ['9007199254740991', 9007199254740991],
  ['9007199254740992', 9007199254740992n],
  ['-9223372036854775808', -9223372036854775808n],
  ['[1.0,1e16,8e-8,1.8446744073709552e19]', [1, 1e16, 8e-8, 18446744073709552000]],
  ['[12345678901234567.5,9007199254740993]', [12345678901234568, 9007199254740993n]],
  ['{"a": 9007199254740993}', { a: 9007199254740993n }],
  ['"9007199254740993"', '9007199254740993'],
  ['["x,9007199254740993",1]', ['x,9007199254740993', 1]],
])('%s is parsed exactly', (text, value) => {
  expect(parseJson(text)).toEqual(value)
})

test('integers of any size survive a round trip', () => {
  const value = [9223372036854775807n, -9223372036854775808n, 9007199254740993n, 1, 0.5, 'a"\0🙂']

  expect(parseJson(stringifyJson(value))).toEqual(value)
})
