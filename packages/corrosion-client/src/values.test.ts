import { expect, test } from '@jest/globals'
import { decodeValue, encodeParameter, keyText, parseKeyText, type SqliteValue } from './values.ts'

test.each<[SqliteValue[], string]>([
  [['a'], '["a"]'],
  [['a"\n', 1], '["a\\"\\n",1]'],
  [[9007199254740993n, -1], '[9007199254740993,-1]'],
  [[1.5, new Uint8Array([222, 173])], '[1.5,{"blob":"dead"}]'],
])('the key %p has the text %s and is found in it again', (key, text) => {
  expect(keyText(key)).toBe(text)
  expect(parseKeyText(text)).toEqual(key)
})

test('a number and a text of the same digits are different keys', () => {
  expect(keyText([1])).not.toBe(keyText(['1']))
})

test.each([NaN, Infinity, 2n ** 63n, -(2n ** 63n) - 1n])('%p cannot be a parameter', (value) => {
  expect(() => encodeParameter(value)).toThrow(RangeError)
})

test.each([true, {}, [256], [1.5], [null], undefined])('%p is no cell', (value) => {
  expect(() => decodeValue(value)).toThrow(TypeError)
})
