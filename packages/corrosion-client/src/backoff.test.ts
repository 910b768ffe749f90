import { expect, test } from '@jest/globals'
import { backoffMs } from './backoff.ts'

test.each([
  [0, 0, 50],
  [0, 1, 100],
  [3, 1, 800],
  [10, 0, 1000],
  [10_000, 1, 2000],
])('attempt %i with random %i waits %i ms', (attempt, random, waitMs) => {
  expect(backoffMs(attempt, { minMs: 100, maxMs: 2000, random: () => random })).toBe(waitMs)
})
