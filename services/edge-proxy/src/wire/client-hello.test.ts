import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import { seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { readServerName } from './client-hello.ts'
import { mutate } from './mutate.ts'

const mostBytes = 16_384
const done = (serverName: string | undefined) => ({ state: 'done', serverName })
const bad = { state: 'bad', reason: expect.any(String) }

/** The first bytes of a client of Node's, as it sends them. */
async function recordHello(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', ...options })
  client.on('error', () => undefined) // The server hangs up instead of answering.
  const [socket]: Socket[] = await once(server, 'connection')
  let bytes = Buffer.alloc(0)
  for await (const chunk of socket ?? []) {
    bytes = Buffer.concat([bytes, chunk])
    if (bytes.length >= 5 && bytes.length >= 5 + bytes.readUInt16BE(3)) break
  }
  client.destroy()
  server.close()
  await once(server, 'close')
  return bytes
}

const versions: [name: string, options: ConnectionOptions][] = [
  ['1.0', { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' }],
  ['1.2', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
  ['1.3', { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3', ALPNProtocols: ['h2'] }],
]

/** A length of `lengthBytes` bytes, and then what it is the length of. */
function vector(lengthBytes: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const length = Buffer.alloc(lengthBytes)
  length.writeUIntBE(content.length, 0, lengthBytes)
  return Buffer.concat([length, content])
}

const u16 = (number: number): Buffer => Buffer.from([number >> 8, number & 255])
const extension = (type: number, data: Uint8Array): Buffer =>
  Buffer.concat([u16(type), vector(2, data)])
const nameOf = (text: string, type = 0): Buffer =>
  Buffer.concat([Buffer.from([type]), vector(2, Buffer.from(text, 'latin1'))])
const serverNames = (...names: Buffer[]): Buffer => extension(0, vector(2, ...names))
const message = (body: Uint8Array): Buffer => Buffer.concat([Buffer.from([1]), vector(3, body)])

/** As few bytes to a record as asked for. */
function records(bytes: Buffer, recordBytes = mostBytes): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += recordBytes) {
    const piece = bytes.subarray(at, at + recordBytes)
    pieces.push(Buffer.from([22, 3, 1]), vector(2, piece))
  }
  return Buffer.concat(pieces)
}

interface Parts {
  version?: number
  sessionId?: Buffer
  suites?: Buffer
  compressions?: Buffer
  extensions?: Buffer
}

function bodyOf({
  version = 0x03_03,
  sessionId = Buffer.alloc(32),
  suites = Buffer.from('13011302', 'hex'),
  compressions = Buffer.alloc(1),
  extensions = vector(2, serverNames(nameOf('a.example'))),
}: Parts = {}): Buffer {
  const start = [u16(version), Buffer.alloc(32, 7), vector(1, sessionId), vector(2, suites)]
  return Buffer.concat([...start, vector(1, compressions), extensions])
}

const helloOf = (parts?: Parts): Buffer => records(message(bodyOf(parts)))
const asking = (...extensions: Buffer[]): Buffer =>
  helloOf({ extensions: vector(2, ...extensions) })

/** A hello with more extensions, before those that it has. */
function withExtensions(hello: Buffer, ...more: Buffer[]): Buffer {
  let at = 5 + 4 + 34
  at += 1 + hello.readUInt8(at)
  at += 2 + hello.readUInt16BE(at)
  at += 1 + hello.readUInt8(at)
  const extensions = vector(2, ...more, hello.subarray(at + 2))
  return records(message(Buffer.concat([hello.subarray(9, at), extensions])))
}

test.each(versions)(
  'the server name of a client of TLS %s is known with the last byte of its hello, not before',
  async (_name, options) => {
    const hello = await recordHello({ ...options, servername: 'Web.Example.COM' })

    for (let end = 0; end < hello.length; end += 1) {
      expect(readServerName(hello.subarray(0, end))).toEqual({ state: 'more' })
    }
    expect(readServerName(hello)).toEqual(done('web.example.com'))
    expect(readServerName(Buffer.concat([hello, Buffer.from('140303', 'hex')]))).toEqual(
      done('web.example.com'),
    )
  },
)

test.each(versions)('a client of TLS %s that names no server has none', async (_name, options) => {
  expect(readServerName(await recordHello(options))).toEqual(done(undefined))
})

test.each([1, 2, 3, 4, 5, 100])('a hello in records of %i bytes is read', async (recordBytes) => {
  const hello = await recordHello({ servername: 'web.example' })
  const cut = records(hello.subarray(5), recordBytes)

  expect(readServerName(cut.subarray(0, -1))).toEqual({ state: 'more' })
  expect(readServerName(cut)).toEqual(done('web.example'))
})

test('GREASE and an encrypted ClientHello do not hide the outer server name', async () => {
  const hello = await recordHello({ servername: 'web.example' })
  const grease = [extension(0x0a_0a, Buffer.alloc(0)), extension(0xfa_fa, Buffer.alloc(1))]
  const encryptedHello = extension(0xfe_0d, Buffer.alloc(300, 0x5a))

  expect(readServerName(withExtensions(hello, ...grease, encryptedHello))).toEqual(
    done('web.example'),
  )
})

test('a hello is read where it stands within a larger buffer', () => {
  const hello = helloOf()
  const larger = new Uint8Array(hello.length + 7)
  larger.set(hello, 7)

  expect(readServerName(larger.subarray(7))).toEqual(done('a.example'))
})

test.each([
  ['a dot at the end', serverNames(nameOf('a.example.')), 'a.example'],
  ['several names', serverNames(nameOf('a.example'), nameOf('b.example')), 'a.example'],
  [
    'a name of another type first',
    serverNames(nameOf('\x00', 7), nameOf('b.example')),
    'b.example',
  ],
  ['only a name of another type', serverNames(nameOf('a.example', 7)), undefined],
  ['one label', serverNames(nameOf('web')), 'web'],
  ['digits, hyphens and underscores', serverNames(nameOf('_x-1.2')), '_x-1.2'],
  ['a label of 63', serverNames(nameOf('a'.repeat(63))), 'a'.repeat(63)],
  ['no server name', extension(23, Buffer.alloc(0)), undefined],
])('%s is understood', (_name, extensions, serverName) => {
  expect(readServerName(asking(extensions))).toEqual(done(serverName))
})

test('a hello without any extensions names no server', () => {
  expect(readServerName(helloOf({ extensions: Buffer.alloc(0) }))).toEqual(done(undefined))
})

test.each([
  '',
  '.',
  '..',
  'a..b',
  '.a',
  'a b',
  'a\0b',
  'a:443',
  '[::1]',
  'a/b',
  '*.example',
  'b\xfccher.example',
  'a\n',
  'a'.repeat(64),
  `${'a.'.repeat(127)}a`,
])('the server name %j is bad', (text) => {
  expect(readServerName(asking(serverNames(nameOf(text))))).toEqual(bad)
})

test.each([
  ['an HTTP request', Buffer.from('G')],
  ['SSH', Buffer.from('S')],
  ['a hello of SSL 2', Buffer.from([0x80])],
  ['another record of TLS', Buffer.from([23])],
])('%s is bad at its first byte', (_name, bytes) => {
  expect(readServerName(bytes)).toEqual(bad)
})

test.each([
  ['a record of no version of TLS', Buffer.from([22, 2])],
  ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
  ['a record longer than one may be', Buffer.from([22, 3, 1, 0x40, 1])],
  ['another message', Buffer.from([22, 3, 1, 0, 50, 2])],
  [
    'another record within the hello',
    Buffer.concat([records(message(bodyOf()).subarray(0, 9)), Buffer.from([21])]),
  ],
  ['a message of more than 16 KiB', Buffer.from([22, 3, 1, 0x40, 0, 1, 0, 0x40, 0])],
  ['a message of 16 MiB', Buffer.from([22, 3, 1, 0x40, 0, 1, 255, 255, 255])],
  ['an empty hello', records(message(Buffer.alloc(0)))],
  ['a hello of version 2', helloOf({ version: 0x02_00 })],
  ['a long session id', helloOf({ sessionId: Buffer.alloc(33) })],
  ['no cipher suites', helloOf({ suites: Buffer.alloc(0) })],
  ['half a cipher suite', helloOf({ suites: Buffer.alloc(3) })],
  ['no compression method', helloOf({ compressions: Buffer.alloc(0) })],
  ['half of the length of extensions', helloOf({ extensions: Buffer.alloc(1) })],
  ['extensions that end too soon', helloOf({ extensions: Buffer.from([0, 5, 0, 23, 0, 0]) })],
  ['bytes after the extensions', helloOf({ extensions: Buffer.from([0, 4, 0, 23, 0, 0, 0]) })],
  ['half an extension', asking(Buffer.from([0]))],
  ['an extension that ends too soon', asking(Buffer.from([0, 23, 0, 1]))],
  ['two lists of names', asking(serverNames(nameOf('a')), serverNames(nameOf('b')))],
  ['no list of names', asking(extension(0, Buffer.alloc(0)))],
  ['an empty list of names', asking(serverNames())],
  [
    'bytes after the list of names',
    asking(extension(0, Buffer.concat([vector(2, nameOf('a')), u16(0)]))),
  ],
  ['a name that ends too soon', asking(serverNames(nameOf('a').subarray(0, 3)))],
  ['a second name that ends too soon', asking(serverNames(nameOf('a'), Buffer.from([0, 0])))],
])('%s is bad', (_name, bytes) => {
  expect(readServerName(bytes)).toEqual(bad)
})

test('a hello that takes more than 16 KiB of records is bad, however much of it is there', () => {
  const long = bodyOf({
    extensions: vector(2, serverNames(nameOf('a')), extension(21, Buffer.alloc(4000))),
  })
  const cut = records(message(long), 1)

  expect(readServerName(cut.subarray(0, mostBytes - 1))).toEqual({ state: 'more' })
  expect(readServerName(cut.subarray(0, mostBytes))).toEqual(bad)
  expect(readServerName(cut)).toEqual(bad)
  expect(readServerName(records(message(long), 2))).toEqual(done('a'))
})

test('20,000 mangled hellos are read without a throw, within the bound, and the same however they are split', async () => {
  const seed = Date.now()
  console.info(`seed ${seed}`)
  const random = seededRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const real = await recordHello({ servername: 'web.example', maxVersion: 'TLSv1.2' })
  const padded = asking(extension(21, Buffer.alloc(15_000)), serverNames(nameOf('a.example')))
  const models = [
    helloOf(),
    real,
    padded,
    records(real.subarray(5), 1),
    records(message(bodyOf()), 9),
  ]
  const seen = { more: 0, done: 0, bad: 0 }
  const wrong: string[] = []
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = mutate(models[below(models.length)] ?? real, random)

    const whole = readServerName(bytes)

    seen[whole.state] += 1
    const isBounded = whole.state !== 'more' || bytes.length < mostBytes
    const parts = Array.from({ length: 4 }, () =>
      readServerName(bytes.subarray(0, below(bytes.length))),
    )
    const isSame = parts.every((part) => part.state === 'more' || isDeepStrictEqual(part, whole))
    if (!isBounded || !isSame) wrong.push(bytes.toString('hex'))
  }
  expect(wrong).toEqual([])
  expect(Object.values(seen)).not.toContain(0)
})
