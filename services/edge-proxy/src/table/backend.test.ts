import { expect, test } from '@jest/globals'
import { parseRegions } from '../geo/regions.ts'
import { createAddressRules } from './address-rules.ts'
import { parseBackend } from './backend.ts'

const rules = { regions: parseRegions(), addresses: createAddressRules([]) }
const row = { id: 'b1', app: 'web', region: 'eu', wg_ip: '10.50.1.1', port: 8080 }

test('a row with only the columns of the guide has what edgeProxy took for usual', () => {
  expect(parseBackend(row, rules)).toEqual({
    backend: {
      id: 'b1',
      app: 'web',
      region: 'eu',
      country: undefined,
      host: '10.50.1.1',
      port: 8080,
      isHealthy: true,
      weight: 2,
      softLimit: 100,
      hardLimit: 150,
      isDeleted: false,
      isDraining: false,
      owner: undefined,
      registeredAt: undefined,
      updatedAt: undefined,
      leaseUntil: undefined,
    },
  })
})

test('a whole row is read, its region and country in any case', () => {
  const whole = {
    ...row,
    region: 'EU',
    country: 'de',
    wg_ip: 'fd00::1',
    healthy: 0,
    weight: 255,
    soft_limit: 0,
    hard_limit: 0,
    deleted: 1,
    draining: 1,
    owner: 'node1',
    registered_at: '2026-01-02T03:04:05.000000Z',
    updated_at: '2026-01-02T03:04:05.000000Z',
    lease_until: '2026-01-02T03:05:05.000000Z',
  }
  const givenAt = Date.UTC(2026, 0, 2, 3, 4, 5)
  expect(parseBackend(whole, rules)).toEqual({
    backend: {
      id: 'b1',
      app: 'web',
      region: 'eu',
      country: 'DE',
      host: 'fd00::1',
      port: 8080,
      isHealthy: false,
      weight: 255,
      softLimit: 0,
      hardLimit: 0,
      isDeleted: true,
      isDraining: true,
      owner: 'node1',
      registeredAt: givenAt,
      updatedAt: givenAt,
      leaseUntil: givenAt + 60_000,
    },
  })
})

test.each([
  [{ id: '' }, 'id is "": it should be 1 to 128 visible characters'],
  [{ id: 'a b' }, 'id is "a b"'],
  [{ id: 'x'.repeat(129) }, 'id is "xxx'],
  [{ id: null }, 'id is null: it should be text'],
  [{ id: 7 }, 'id is 7: it should be text'],
  [{ id: undefined }, 'id is missing: it should be text'],
  [{ app: 'a.b' }, 'app is "a.b"'],
  [{ app: '' }, 'app is ""'],
  [{ region: 'mars' }, 'region is "mars": known are sa, us, eu, ap'],
  [{ country: 'XX' }, 'country is "XX"'],
  [{ country: 5 }, 'country is 5: it should be text'],
  [{ wg_ip: '' }, 'wg_ip is "": it should be an address or a host name'],
  [{ wg_ip: '127.0.0.1' }, 'wg_ip: 127.0.0.1 is loopback'],
  [{ wg_ip: '::ffff:169.254.169.254' }, 'is link-local'],
  [{ wg_ip: '0x7f.1' }, 'wg_ip is "0x7f.1"'],
  [{ wg_ip: '2130706433' }, 'wg_ip is "2130706433"'],
  [{ wg_ip: '127.1' }, 'wg_ip is "127.1"'],
  [{ wg_ip: 'a b' }, 'wg_ip is "a b"'],
  [{ port: 0 }, 'port is 0: it should be a whole number from 1 to 65535'],
  [{ port: 70_000 }, 'port is 70000'],
  [{ port: '80' }, 'port is "80"'],
  [{ port: 80.5 }, 'port is 80.5'],
  [{ port: null }, 'port is null'],
  [{ healthy: 2 }, 'healthy is 2: it should be a whole number from 0 to 1'],
  [{ weight: 256 }, 'weight is 256: it should be a whole number from 0 to 255'],
  [{ weight: -1 }, 'weight is -1'],
  [{ soft_limit: Number.NaN }, 'soft_limit is null'],
  [{ hard_limit: '9007199254740993' }, 'hard_limit is "9007199254740993"'],
  [{ deleted: new Uint8Array(5) }, 'deleted is 5 bytes'],
  [{ lease_until: 'tomorrow' }, 'lease_until is "tomorrow": it should be a time'],
])('%j sets the row aside: %s', (wrong, reason) => {
  const parsed = parseBackend({ ...row, ...wrong }, rules)
  expect(parsed).not.toHaveProperty('backend')
  expect(parsed).toHaveProperty('reason', expect.stringContaining(reason))
})

test('what is shown of a value is short, however long it is', () => {
  const parsed = parseBackend({ ...row, id: 'b1', app: 'x'.repeat(1_000_000) }, rules)
  expect('reason' in parsed && parsed.reason.length).toBeLessThan(150)
})
