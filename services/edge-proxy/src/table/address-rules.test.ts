import { expect, test } from '@jest/globals'
import { createAddressRules } from './address-rules.ts'

test.each([
  ['127.0.0.1', 'loopback'],
  ['127.255.255.254', 'loopback'],
  ['::1', 'loopback'],
  ['0:0:0:0:0:0:0:1', 'loopback'],
  ['::ffff:127.0.0.1', 'loopback'],
  ['::ffff:7f00:1', 'loopback'],
  ['::127.0.0.1', 'loopback'],
  ['64:ff9b::7f00:1', 'loopback'],
  ['2002:7f00:1::', 'loopback'],
  ['0.0.0.0', 'unspecified'],
  ['::', 'unspecified'],
  ['169.254.169.254', 'link-local'],
  ['::ffff:169.254.169.254', 'link-local'],
  ['fe80::1', 'link-local'],
  ['fe80::1%eth0', 'link-local'],
  ['fd00:ec2::254', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['224.0.0.1', 'multicast'],
  ['ff02::1', 'multicast'],
  ['255.255.255.255', 'reserved or broadcast'],
])('%s is refused: %s', (address, reason) => {
  expect(createAddressRules([]).refuse(address)).toContain(reason)
})

test.each([
  '10.50.1.1',
  '192.168.0.1',
  '203.0.113.7',
  'fd00::1',
  '2001:db8::1',
  '64:ff9b::a32:101',
])('%s may be a backend', (address) => {
  expect(createAddressRules([]).refuse(address)).toBeUndefined()
})

test.each(['localhost', '0x7f.1', '2130706433', ''])('%p is no address', (text) => {
  expect(createAddressRules([]).refuse(text)).toContain('is no address')
})

test('what the list has may be used, in every spelling, and nothing beside it', () => {
  const { refuse } = createAddressRules(['127.0.0.0/30', '::1'])

  expect(['127.0.0.3', '::ffff:127.0.0.1', '::1'].map(refuse)).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  expect(refuse('127.0.0.4')).toContain('loopback')
})

test.each(['127.0.0.0/33', '::1/129', 'localhost', '10.0.0.0/x', '10.0.0.0/8/8', ''])(
  'the network %p is an error that names it',
  (text) => {
    expect(() => createAddressRules([text])).toThrow(`${text} is no network`)
  },
)
