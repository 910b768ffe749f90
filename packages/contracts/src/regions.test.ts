import { expect, test } from '@jest/globals'
import { distanceKm, type RegionCode, regions, requireRegions, roundTripMs } from './regions.ts'

test('there are 35 regions, each somewhere on the globe', () => {
  expect(Object.keys(regions)).toHaveLength(35)
  for (const [latitude, longitude] of Object.values(regions)) {
    expect(Math.abs(latitude)).toBeLessThanOrEqual(90)
    expect(Math.abs(longitude)).toBeLessThanOrEqual(180)
  }
})

// Within a degree, which is what the coordinates are given in.
test.each<[RegionCode, RegionCode, number]>([
  ['iad', 'iad', 0],
  ['iad', 'fra', 6550],
  ['iad', 'syd', 15_700],
  ['syd', 'scl', 11_350],
  ['lax', 'nrt', 8750],
])('from %s to %s it is about %i km, either way', (from, to, km) => {
  expect(Math.abs(distanceKm(from, to) - km)).toBeLessThan(150)
  expect(distanceKm(to, from)).toBeCloseTo(distanceKm(from, to))
})

test('a round trip takes 4 ms and what the distance takes', () => {
  expect(roundTripMs('fra', 'fra')).toBe(4)
  expect(roundTripMs('iad', 'syd')).toBeCloseTo(4 + distanceKm('iad', 'syd') / 75)
})

test('all codes that are no regions are named, with the list', () => {
  expect(requireRegions(['iad', 'iad', 'syd'])).toEqual(['iad', 'iad', 'syd'])
  expect(() => requireRegions(['iad', 'xxx', 'toString'])).toThrow(
    'no regions: "xxx", "toString"; known are ams, arn, atl',
  )
  expect(() => requireRegions([''])).toThrow('no region: ""')
  expect(() => requireRegions([])).toThrow('no region is named')
})
