import { expect, test } from '@jest/globals'
import { addressWords, readAddress } from './client-address.ts'

function words(text: string): string | undefined {
  const into = new Int32Array(addressWords)
  return readAddress(text, into)
    ? [...into].map((word) => (word >>> 0).toString(16)).join(':')
    : undefined
}

test.each([
  ['203.0.113.7', '0:0:ffff:cb007107'],
  ['::ffff:203.0.113.7', '0:0:ffff:cb007107'],
  ['255.255.255.255', '0:0:ffff:ffffffff'],
  ['::', '0:0:0:0'],
  ['::1', '0:0:0:1'],
  ['2001:db8::a:b', '20010db8:0:0:a000b'],
  ['2001:DB8:0:1:2:3:4:5', '20010db8:1:20003:40005'],
  ['fe80::1%eth0', 'fe800000:0:0:1'],
  ['1::', '10000:0:0:0'],
])('%s is %s', (text, expected) => {
  expect(words(text)).toBe(expected)
})

test.each(['', 'localhost', '1.2.3', '1.2.3.256', '::1::', 'g::'])('%p is no address', (text) => {
  expect(words(text)).toBeUndefined()
})
