import { expect, test } from '@jest/globals'

import { formatAddress, parseAddress } from './address.ts'

test.each([
  ['127.0.0.1:8787', '127.0.0.1:8787'],
  ['[::1]:8787', '[::1]:8787'],
  ['[fdaa:0:0:0::1]:1', '[fdaa::1]:1'],
])('%s is an address', (text, shown) => {
  const address = parseAddress(text)

  expect(address && formatAddress(address)).toBe(shown)
})

test.each([
  'localhost:8787',
  '127.0.0.1',
  '::1:8787',
  '[127.0.0.1]:1',
  '1.2.3.4:70000',
  '',
  'a@b:1',
])('%s is none', (text) => {
  expect(parseAddress(text)).toBeUndefined()
})
