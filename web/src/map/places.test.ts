import { expect, test } from '@jest/globals'
import { floorMs, kilometresBetween, placeOf } from './places.ts'

test.each([
  ['iad', 'fra', 6510],
  ['fra', 'iad', 6510],
  ['syd', 'lhr', 17_000],
  ['iad', 'iad', 0],
])('from %s to %s it is about %i km', (from, to, wanted) => {
  const kilometres = kilometresBetween(from, to) ?? Number.NaN

  expect(Math.abs(kilometres - wanted)).toBeLessThanOrEqual(wanted * 0.02)
})

test.each([['local'], ['constructor'], [null]])('%s is on no map', (region) => {
  expect(placeOf(region)).toBeUndefined()
  expect(floorMs(region, 'iad')).toBeUndefined()
})

test('light in fibre takes at least 65 ms to Frankfurt and back', () => {
  expect(floorMs('iad', 'fra')).toBeGreaterThan(63)
  expect(floorMs('iad', 'fra')).toBeLessThan(67)
})
