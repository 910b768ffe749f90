import { expect, test } from '@jest/globals'
import { problemOf, sizeOf } from './content.ts'

test('the size is counted in bytes of UTF-8', () => {
  expect(sizeOf('a')).toBe(1)
  expect(sizeOf('ü')).toBe(2)
  expect(sizeOf('🛰')).toBe(4)
})

test.each([
  ['', 'write something: a message has at least one character'],
  ['hello', undefined],
  ['a'.repeat(65_536), undefined],
  ['a'.repeat(65_537), '1 bytes too many: shorten it'],
  ['ü'.repeat(33_768), '2,000 bytes too many: shorten it'],
  ['\ud83d', 'it holds half of a character: type its end anew'],
])('what keeps a text from being sent is said', (content, problem) => {
  expect(problemOf(content)).toBe(problem)
})
