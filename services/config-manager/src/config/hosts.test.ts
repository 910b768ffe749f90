import { expect, test } from '@jest/globals'
import { findHostProblems, normalAddress, parseHost } from './hosts.ts'

test.each([
  ['10.0.0.1:8787', { name: '10.0.0.1', port: 8787, family: 4, resolver: null }],
  ['[fdaa::1]:8787', { name: 'fdaa::1', port: 8787, family: 6, resolver: null }],
  ['[fe80::1%eth0]:8787', { name: 'fe80::1%eth0', port: 8787, family: 6, resolver: null }],
  ['seed-1:8787', { name: 'seed-1', port: 8787, family: 0, resolver: null }],
  ['corro.internal', { name: 'corro.internal', port: 4001, family: 0, resolver: null }],
  ['corro.internal.', { name: 'corro.internal.', port: 4001, family: 0, resolver: null }],
  ['_seed.corro:1', { name: '_seed.corro', port: 1, family: 0, resolver: null }],
  ['seed:8787@10.0.0.53', { name: 'seed', port: 8787, family: 0, resolver: '10.0.0.53:53' }],
  ['seed@10.0.0.53:5353', { name: 'seed', port: 4001, family: 0, resolver: '10.0.0.53:5353' }],
  ['seed:1@[fd00::53]:53', { name: 'seed', port: 1, family: 0, resolver: '[fd00::53]:53' }],
  ['seed:1@fd00::53', { name: 'seed', port: 1, family: 0, resolver: '[fd00::53]:53' }],
])('%s is a host', (text, host) => {
  expect(parseHost(text)).toEqual(host)
})

test.each([
  ['', 'is empty'],
  ['fdaa::1', 'an IPv6 address needs brackets and a port: [fdaa::1]:4001'],
  ['::1:8787', 'an IPv6 address needs brackets and a port: [::1:8787]:4001'],
  ['1:2:3:4:5:6:7:8:8787', 'an IPv6 address needs brackets: [address]:port'],
  ['[fdaa::1]', 'an address needs a port: [fdaa::1]:4001'],
  ['[fdaa::1', 'the bracket is not closed'],
  ['[fdaa::x]:1', '"fdaa::x" is no IPv6 address'],
  ['[fdaa::1]:70000', 'the port must be a number from 1 to 65535, and is "70000"'],
  ['10.0.0.1', 'an address needs a port: 10.0.0.1:4001'],
  ['10.0.0.256:1', '10.0.0.256 is no IPv4 address'],
  ['10.0.0:1', '10.0.0 is no IPv4 address'],
  ['seed:', 'the port must be a number from 1 to 65535, and is ""'],
  ['seed:0', 'the port must be a number from 1 to 65535, and is "0"'],
  ['seed:65536', 'the port must be a number from 1 to 65535, and is "65536"'],
  ['seed:http', 'the port must be a number from 1 to 65535, and is "http"'],
  ['seed:+80', 'the port must be a number from 1 to 65535, and is "+80"'],
  ['seed:1:2', 'has more than one colon'],
  [':8787', 'has no host'],
  ['se"ed:1', '"\\"" cannot be in a host'],
  ["se'ed:1", '"\'" cannot be in a host'],
  ['seed:1\n', '"\\n" cannot be in a host'],
  [' seed:1', '" " cannot be in a host'],
  ['seed\u0000:1', '"\\u0000" cannot be in a host'],
  ['seed\\:1', '"\\\\" cannot be in a host'],
  ['-seed:1', '"-seed" is no host name'],
  ['seed..internal:1', '"seed..internal" is no host name'],
  [`${'a'.repeat(64)}:1`, `"${'a'.repeat(64)}" is no host name`],
  ['http://seed:1', 'has more than one colon'],
  ['seed,other', '"seed,other" is no host name'],
  ['seed:1@', 'the resolver "" must be an address, such as 10.0.0.53 or [fd00::53]:53'],
  ['seed:1@dns:53', 'the resolver "dns:53" must be an address, such as 10.0.0.53 or [fd00::53]:53'],
  [
    'seed:1@[fd00::53]',
    'the resolver "[fd00::53]" must be an address, such as 10.0.0.53 or [fd00::53]:53',
  ],
  ['seed:1@10.0.0.53@x', 'has more than one @'],
  ['10.0.0.1:1@10.0.0.53', 'is an address, which no resolver is asked for'],
])('%j is none', (text, problem) => {
  expect(parseHost(text)).toEqual({ problem })
})

test('all problems of a list are told at once', () => {
  const list = ['a:1', 'fdaa::1', '[fdaa::1]:1', 'A:1', '[fdaa:0::1]:1', 'b:x']

  expect(findHostProblems(list)).toEqual([
    '"fdaa::1": an IPv6 address needs brackets and a port: [fdaa::1]:4001',
    '"A:1": is there twice',
    '"[fdaa:0::1]:1": is there twice',
    '"b:x": the port must be a number from 1 to 65535, and is "x"',
  ])
})

test('the same address is the same text', () => {
  expect(normalAddress('[fdaa:0:0::01]:080')).toBe('[fdaa::1]:80')
  expect(normalAddress('10.0.0.1:80')).toBe('10.0.0.1:80')
  expect(normalAddress('seed:80')).toBeNull()
})
