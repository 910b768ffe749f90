import { isDeepStrictEqual } from 'node:util'
import { seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { mutate } from './mutate.ts'
import { readProxyHeader, writeProxyHeader } from './proxy-protocol.ts'

const mostBytes = 16 + 4096
const signature = '0d0a0d0a000d0a515549540a'
const ipv4Block = 'c0a80001c0a8000bdc0401bb'
const ipv4 = {
  source: { address: '192.168.0.1', port: 56_324 },
  destination: { address: '192.168.0.11', port: 443 },
}
const ipv6Block = `20010db8${'00'.repeat(11)}0120010db8${'00'.repeat(11)}02dc0401bb`
const ipv6 = {
  source: { address: '2001:db8::1', port: 56_324 },
  destination: { address: '2001:db8::2', port: 443 },
}
const mappedBlock = `${'00'.repeat(10)}ffffc0a80001${'00'.repeat(15)}01dc0401bb`
const mapped = { source: ipv4.source, destination: { address: '::1', port: 443 } }
const alpn = '0100026832'
const noop = '040000'

function header(start: string, rest = '', length = rest.length / 2): Buffer {
  return Buffer.from(`${signature}${start}${length.toString(16).padStart(4, '0')}${rest}`, 'hex')
}

const valid: [name: string, bytes: Buffer, endpoints: object][] = [
  ['TCP over IPv4', header('2111', ipv4Block), ipv4],
  ['TCP over IPv6', header('2121', ipv6Block), ipv6],
  ['a mapped IPv4 source', header('2121', mappedBlock), mapped],
  ['TLVs after the addresses', header('2111', ipv4Block + alpn + noop), ipv4],
  ['UDP over IPv4', header('2112', ipv4Block), {}],
  ['UDP over IPv6 and a TLV', header('2122', ipv6Block + alpn), {}],
  ['a UNIX stream', header('2131', '61'.repeat(216)), {}],
  ['UNIX datagrams', header('2132', '61'.repeat(216)), {}],
  ['no family', header('2100'), {}],
  ['no family, but bytes', header('2100', 'ffffff'), {}],
  ['no transport', header('2110', 'ffffff'), {}],
  ['LOCAL', header('2000'), {}],
  ['LOCAL with addresses', header('2011', ipv4Block), {}],
  ['LOCAL with a family that is none, and bytes that are no TLV', header('20ff', 'ffffff'), {}],
  ['the longest header', header('2111', `${ipv4Block}040ff1${'00'.repeat(4081)}`), ipv4],
]

test.each(valid)(
  '%s: the header is whole with its last byte, not before',
  (_name, bytes, endpoints) => {
    const whole = { state: 'done', length: bytes.length, ...endpoints }

    for (let end = 0; end < bytes.length; end += 1) {
      expect(readProxyHeader(bytes.subarray(0, end))).toEqual({ state: 'more' })
    }
    expect(readProxyHeader(bytes)).toEqual(whole)
    expect(readProxyHeader(Buffer.concat([bytes, Buffer.from('GET /')]))).toEqual(whole)
  },
)

test('a header is read where it stands within a larger buffer', () => {
  const bytes = header('2111', ipv4Block)
  const larger = new Uint8Array(bytes.length + 7)
  larger.set(bytes, 7)

  expect(readProxyHeader(larger.subarray(7))).toMatchObject(ipv4)
})

test.each([
  ['a first byte of another protocol', Buffer.from('G')],
  ['a ClientHello', Buffer.from('1603', 'hex')],
  ['version 1', Buffer.from('PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n')],
  ['a signature that ends otherwise', Buffer.from(`${signature.slice(0, -2)}0b`, 'hex')],
  ['version 1 in binary', header('1111', ipv4Block)],
  ['version 3', header('3111', ipv4Block)],
  ['an unknown command', header('2211', ipv4Block)],
  ['an unknown family', header('2141', ipv4Block)],
  ['an unknown transport', header('2113', ipv4Block)],
  ['less than two IPv4 addresses', header('2111', ipv4Block.slice(2))],
  ['IPv6 in the length of IPv4', header('2121', ipv4Block)],
  ['less than two UNIX addresses', header('2131', '61'.repeat(215))],
  ['a TLV longer than the header', header('2111', `${ipv4Block}0100036832`)],
  ['a TLV without a length', header('2111', `${ipv4Block}0400`)],
  ['a TLV of UDP longer than the header', header('2112', `${ipv4Block}010001`)],
  ['a length above the most, before it is there', header('2111', ipv4Block, 4097)],
  ['a LOCAL header above the most', header('2000', '', 65_535)],
])('%s is bad', (_name, bytes) => {
  expect(readProxyHeader(bytes)).toEqual({ state: 'bad', reason: expect.any(String) })
})

test.each([
  ['IPv4', ipv4, header('2111', ipv4Block)],
  ['IPv6', ipv6, header('2121', ipv6Block)],
  ['IPv4 to IPv6', mapped, header('2121', mappedBlock)],
  [
    'IPv6 to IPv4',
    { source: ipv6.source, destination: ipv4.destination },
    header('2121', `20010db8${'00'.repeat(11)}01${'00'.repeat(10)}ffffc0a8000bdc0401bb`),
  ],
  [
    'mapped IPv4 to IPv4',
    { ...ipv4, source: { address: '::ffff:192.168.0.1', port: 56_324 } },
    header('2111', ipv4Block),
  ],
])('%s is written as the specification says', (_name, { source, destination }, expected) => {
  expect(writeProxyHeader(source, destination).toString('hex')).toBe(expected.toString('hex'))
})

test.each([
  ['no source', { ...ipv4, source: { address: '', port: 1 } }],
  ['a name as destination', { ...ipv4, destination: { address: 'localhost', port: 1 } }],
  ['a source port that is none', { ...ipv4, source: { address: '192.168.0.1', port: 65_536 } }],
  [
    'a destination port that is none',
    { ...ipv4, destination: { address: '::1', port: Number.NaN } },
  ],
])('%s is written as LOCAL', (_name, { source, destination }) => {
  expect(writeProxyHeader(source, destination)).toEqual(header('2000'))
})

test('20,000 mangled headers are read without a throw, within the bound, and the same however they are split', () => {
  const seed = Date.now()
  console.info(`seed ${seed}`)
  const random = seededRandom(seed)
  const seen = { more: 0, done: 0, bad: 0 }
  const wrong: string[] = []
  for (let round = 0; round < 20_000; round += 1) {
    const [, model] = valid[Math.floor(random() * valid.length)] ?? valid[0] ?? []
    const bytes = mutate(model ?? Buffer.alloc(0), random)

    const whole = readProxyHeader(bytes)

    seen[whole.state] += 1
    const isBounded =
      whole.state === 'more'
        ? bytes.length < mostBytes
        : whole.state === 'bad' || whole.length <= bytes.length
    const parts = Array.from({ length: 4 }, () =>
      readProxyHeader(bytes.subarray(0, Math.floor(random() * bytes.length))),
    )
    const isSame = parts.every((part) => part.state === 'more' || isDeepStrictEqual(part, whole))
    if (!isBounded || !isSame) wrong.push(bytes.toString('hex'))
  }
  expect(wrong).toEqual([])
  expect(Object.values(seen)).not.toContain(0)
})

test('what is written is read again', () => {
  const seed = Date.now()
  console.info(`seed ${seed}`)
  const random = seededRandom(seed)
  const addresses = [
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::1',
    '::1.2.3.4',
    'fe80::a',
    'ffff::',
    '1:0:0:1::1',
    '::1:203:405',
  ]
  for (let round = 0; round < 200; round += 1) {
    const endpoint = () => ({
      address: addresses[Math.floor(random() * addresses.length)] ?? '',
      port: Math.floor(random() * 65_536),
    })
    const source = endpoint()
    const destination = endpoint()

    const bytes = writeProxyHeader(source, destination)

    expect(readProxyHeader(bytes)).toEqual({
      state: 'done',
      length: bytes.length,
      source,
      destination,
    })
  }
})
