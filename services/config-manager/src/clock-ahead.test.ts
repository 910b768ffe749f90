import { fromTimestamp } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { clockAhead } from './clock-ahead.ts'

const noon = fromTimestamp('2026-01-15T12:00:00Z') ?? 0

test.each([
  ['2026-01-15T12:00:00.100000Z', 0],
  ['2026-01-15T12:00:00.000000Z', 0],
  ['2026-01-15T12:00:02.500000Z', 2300],
  ['2026-01-15T11:59:59.000000Z', -1000],
])('a clock of %s, asked from 12:00:00 to 12:00:00.2, is ahead by %i ms', (clock, aheadMs) => {
  expect(clockAhead(clock, noon, noon + 200_000)).toBe(aheadMs)
})
