import { expect, test } from '@jest/globals'
import { parseRegions } from './regions.ts'

test('every country of ISO 3166-1 and Kosovo lies in one of four regions, which are as they were where they were', () => {
  const { names, byCountry, defaultCountry } = parseRegions()

  expect(names).toEqual(['sa', 'us', 'eu', 'ap'])
  expect(byCountry.size).toBe(250)
  expect(names.map(defaultCountry)).toEqual(['BR', 'US', 'DE', 'JP'])
  const was = {
    sa: 'BR AR CL PE CO UY PY BO EC VE',
    us: 'US CA MX',
    eu: 'PT ES FR DE NL IT GB IE BE CH AT PL CZ SE NO DK FI RU UA',
    ap: 'JP KR TW HK SG MY TH VN ID PH AU NZ CN IN',
  }
  for (const [region, codes] of Object.entries(was)) {
    for (const code of codes.split(' ')) expect([code, byCountry.get(code)]).toEqual([code, region])
  }
  expect(['ZA', 'AE', 'GR', 'EG', 'FJ'].map((code) => byCountry.get(code))).toEqual([
    'eu',
    'eu',
    'eu',
    'eu',
    'ap',
  ])
})

test('an operator may have regions of his own, and leave countries out', () => {
  const { names, byCountry, defaultCountry } = parseRegions({ north: 'NO SE', south: 'ZA' })

  expect(names).toEqual(['north', 'south'])
  expect([byCountry.get('SE'), byCountry.get('DE'), defaultCountry('north')]).toEqual([
    'north',
    undefined,
    'NO',
  ])
})

test.each([
  [[], 'regions are an object'],
  [null, 'regions are an object'],
  [{}, '0 regions'],
  [{ EU: 'DE' }, 'region "EU" is no name'],
  [{ 'a.b': 'DE' }, 'region "a.b" is no name'],
  [{ eu: '' }, 'region eu has no countries'],
  [{ eu: 5 }, 'region eu has no countries'],
  [{ eu: 'DE XX' }, 'region eu: XX is no country'],
  [{ eu: 'DE', us: 'US DE' }, 'DE is in eu and in us'],
  [{ eu: 'DE DE' }, 'DE is in eu and in eu'],
])('%j: %s', (json, message) => {
  expect(() => parseRegions(json)).toThrow(message)
})
