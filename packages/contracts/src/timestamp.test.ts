import { afterEach, expect, test } from '@jest/globals'
import { fromTimestamp, nowMicroseconds, setClockOffset } from './timestamp.ts'

afterEach(() => {
  setClockOffset(0)
})

test('the clock is that of the system, in whole microseconds', () => {
  const before = Date.now()
  const now = nowMicroseconds()
  const after = Date.now()

  expect(Number.isSafeInteger(now)).toBe(true)
  expect(now / 1000).toBeGreaterThanOrEqual(before)
  expect(now / 1000).toBeLessThan(after + 1)
})

test.each([-500, 300.25])('an offset of %d ms moves the clock', (offsetMs) => {
  setClockOffset(offsetMs)

  const before = Date.now() + offsetMs
  const now = nowMicroseconds()
  const after = Date.now() + offsetMs

  expect(now / 1000).toBeGreaterThanOrEqual(before)
  expect(now / 1000).toBeLessThan(after + 1)
})

test.each([
  ['2026-01-15T10:00:00.123456789Z', 1_768_471_200_123_456],
  ['2024-02-29T00:00:00Z', 1_709_164_800_000_000],
  ['2026-02-29T00:00:00Z', undefined],
  ['2026-02-30T00:00:00Z', undefined],
  ['2026-13-01T00:00:00Z', undefined],
  ['2026-01-01T24:00:00Z', undefined],
  ['2026-01-01 00:00:00Z', undefined],
])('%s is read as %p', (text, microseconds) => {
  expect(fromTimestamp(text)).toBe(microseconds)
})
