import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test } from '@jest/globals'
import { createCountries } from './countries.ts'

const usual = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'

function open() {
  const bytes = readFileSync(createRequire(import.meta.url).resolve(usual))
  const database = new SharedArrayBuffer(bytes.length)
  Buffer.from(database).set(bytes)
  const countries = createCountries()
  countries.use(database)
  return countries
}

test.each([
  ['8.8.8.8', 'US'],
  ['::ffff:5.9.0.1', 'DE'],
  ['2a01:4f8::1', 'DE'],
  ['172.20.0.1', undefined],
  ['10.1.2.3', undefined],
  ['100.64.0.1', undefined],
  ['192.168.1.1', undefined],
  ['::1', undefined],
  ['fd00::1', undefined],
  ['no address', undefined],
])('%s is in %s', (address, country) => {
  expect(open().countryOf(address)).toBe(country)
})
