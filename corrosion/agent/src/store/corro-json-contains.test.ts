import { expect, test } from '@jest/globals'
import { corroJsonContains } from './corro-json-contains.ts'

test.each([
  ['{}', '{"a":1}', 1n],
  ['{"a":{"b":1}}', '{"a":{"b":1,"c":2},"d":3}', 1n],
  ['{"a":{"b":1}}', '{"a":1}', 0n],
  ['{"a":[{"b":1}]}', '{"a":[{"b":1,"c":2}]}', 0n],
  ['{"a":1}', '{"a":1.0}', 0n],
  ['{"a":9007199254740993}', '{"a":9007199254740992}', 0n],
  ['null', 'null', 1n],
])('%s is in %s: %s', (selector, object, isIn) => {
  expect(corroJsonContains(selector, object)).toBe(isIn)
})

test('what is no JSON text is an error', () => {
  expect(() => corroJsonContains('{', '{}')).toThrow('JSON')
  expect(() => corroJsonContains(null, '{}')).toThrow('Invalid column type')
})
