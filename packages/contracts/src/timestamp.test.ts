import { afterEach, expect, test } from '@jest/globals'
import { nowMicroseconds, setClockOffset } from './timestamp.ts'

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
