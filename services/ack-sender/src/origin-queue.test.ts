import { expect, test } from '@jest/globals'
import { retryDelayMs } from './origin-queue.ts'

test.each([
  [1, 100, 200],
  [2, 200, 400],
  [7, 6400, 12_800],
  [8, 7500, 15_000],
  [1_000_000, 7500, 15_000],
])('after %i failures the next attempt is %i to %i ms away', (failures, shortest, longest) => {
  expect(retryDelayMs(failures, () => 0)).toBe(shortest)
  expect(retryDelayMs(failures, () => 1)).toBe(longest)
})
