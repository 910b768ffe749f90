import { expect, test } from '@jest/globals'
import { seaHash } from './sea-hash.ts'

test.each([
  ['to be or not to be', '1b993a826f4ae575'],
  ['SELECT sandwich FROM sandwiches', 'e20b84c0def5957e'],
  ['SELECT id, text FROM tests', '05551341e798c615'],
  ['', 'c920ca43256fdcb9'],
])('%j has the hash that Corrosion gives it', (text, hash) => {
  expect(seaHash(text)).toBe(hash)
})
