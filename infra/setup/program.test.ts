import { expect, test } from '@jest/globals'
import { isAtLeast, parseVersion } from './program.mjs'

test.each([
  ['nats-server: v2.14.9', [2, 14, 9]],
  ['nats-server: v2.10.0-beta.3', [2, 10, 0]],
  ['>=24.11', [24, 11, 0]],
  ['klukai 0.1.4', [0, 1, 4]],
  ['no figures', undefined],
  [undefined, undefined],
])('the version in %j is %j', (text, version) => {
  expect(parseVersion(text)).toEqual(version)
})

test.each([
  [[2, 10, 0], true],
  [[2, 9, 25], false],
  [[3, 0, 0], true],
  [[1, 99, 99], false],
])('%j is 2.10 or later: %s', (version, expected) => {
  expect(isAtLeast(version, [2, 10])).toBe(expected)
})
