// Files that come: cut off, too large, twice, hostile; and how they go again.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { readBundle } from '../src/files/certificates.ts'
import { parseRange } from '../src/files/send-file.ts'
import { openStorage } from '../src/files/storage.ts'
import { apiKey, asAdmin, startController, startPostgresOfFile, submit, toForm } from './harness.ts'

const postgres = startPostgresOfFile()

function filesIn(root: string): string[] {
  return [...readdirSync(join(root, 'builds')), ...readdirSync(join(root, 'incoming'))]
}

test('a form that is cut off leaves nothing behind', async () => {
  await using controller = await startController(postgres())
  const { port } = new URL(controller.origin)
  const headers = {
    'x-api-key': apiKey,
    'content-type': 'multipart/form-data; boundary=b',
    'content-length': '5000000',
  }
  const sending = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: '/api/builds/submit',
    headers,
  })
  sending.on('error', () => undefined)
  sending.write(
    '--b\r\nContent-Disposition: form-data; name="platform"\r\n\r\nios\r\n--b\r\nContent-Disposition: form-data; name="source"; filename="s"\r\n\r\n',
  )
  sending.write(Buffer.alloc(1_000_000))
  while (filesIn(controller.storageRoot).length === 0) await new Promise(setImmediate)

  sending.destroy()

  while (filesIn(controller.storageRoot).length > 0) await new Promise(setImmediate)
  expect((await controller.ask('/api/builds', { headers: asAdmin })).body['total']).toBe(0)
})

test.each([
  ['a source that is too large', { source: new Blob(['x'.repeat(1001)]) }, 413, 'source is larger'],
  [
    'certificates that are too large',
    { certs: new Blob(['x'.repeat(501)]) },
    413,
    'certs is larger',
  ],
  ['no source', { source: 'a field' }, 400, 'Missing source file'],
  ['an empty source', { source: new Blob([]) }, 400, 'Source file is empty'],
  ['no platform', { platform: '' }, 400, "Invalid platform. Must be 'ios' or 'android'"],
  ['an unknown platform', { platform: 'windows' }, 400, 'Invalid platform'],
  ['a file nobody knows', { virus: new Blob(['x']) }, 400, 'there is no file part "virus" here'],
  ['a priority beyond its bounds', { priority: '11' }, 400, 'priority is a whole number'],
  ['labels that are none', { labels: 'a b;c' }, 400, 'labels are up to'],
  ['a field that is too long', { note: 'x'.repeat(20_000) }, 413, 'is too long'],
])('%s is refused, and leaves nothing behind', async (_name, parts, status, error) => {
  await using controller = await startController(postgres(), {
    MAX_SOURCE_BYTES: '1000',
    MAX_CERTS_BYTES: '500',
  })
  const form = toForm({ platform: 'ios', source: new Blob(['PK']), ...parts })

  const answer = await controller.ask('/api/builds/submit', { headers: asAdmin, form })

  expect(answer).toMatchObject({
    status,
    body: { error: expect.stringContaining(error), errors: { detail: expect.any(String) } },
  })
  expect(filesIn(controller.storageRoot)).toEqual([])
})

test('two files where one is meant, and a field twice, are refused', async () => {
  await using controller = await startController(postgres())
  for (const name of ['source', 'platform']) {
    const form = toForm({ platform: 'ios', source: new Blob(['PK']) })
    form.append(name, name === 'source' ? new Blob(['another']) : 'android')
    const answer = await controller.ask('/api/builds/submit', { headers: asAdmin, form })
    expect([name, answer.status]).toEqual([name, 400])
  }
  expect(filesIn(controller.storageRoot)).toEqual([])
})

test('names of files lead nowhere, whatever they are', async () => {
  await using controller = await startController(postgres())
  const form = toForm({ platform: 'ios' })
  form.append('source', new Blob(['PK']), '../../../etc/passwd\0%2e%2e/x')

  const { status, body } = await controller.ask('/api/builds/submit', { headers: asAdmin, form })

  expect(status).toBe(201)
  expect(filesIn(controller.storageRoot)).toEqual([body['id']])
  for (const id of ['..%2f..%2fetc', '%2e%2e', 'x%00', '....//', 'a'.repeat(300)]) {
    const answer = await controller.ask(`/api/builds/${id}/status`, { headers: asAdmin })
    expect([400, 404, 414]).toContain(answer.status)
  }
})

test('a folder that is a link, and a file that is one, are not followed', async () => {
  using elsewhere = createTemporaryFolder()
  using folder = createTemporaryFolder()
  const storage = await openStorage(folder.path)
  writeFileSync(join(elsewhere.path, 'source'), 'of somebody else')
  symlinkSync(elsewhere.path, join(folder.path, 'builds', 'linked'))
  mkdirSync(join(folder.path, 'builds', 'real'))
  symlinkSync(join(elsewhere.path, 'source'), join(folder.path, 'builds', 'real', 'source'))

  await expect(storage.open('linked', 'source')).rejects.toThrow('is not where it should be')
  await expect(storage.open('real', 'source')).rejects.toThrow('ELOOP')
  await expect(storage.open('../x', 'source')).rejects.toThrow('is no id of a build')
  await expect(storage.open('real', '../source')).rejects.toThrow('is no name of a file')
})

test('a body of JSON has a limit', async () => {
  await using controller = await startController(postgres())
  const headers = { ...asAdmin, 'content-type': 'application/json' }
  const body = { name: 'x'.repeat(2_000_000), role: 'admin' }

  const answer = await controller.ask('/api/v2/keys', { headers, body })

  expect(answer.status).toBe(413)
})

test('a submission that is sent again with its key is one build', async () => {
  await using controller = await startController(postgres())
  const headers = { ...asAdmin, 'idempotency-key': 'once' }
  const send = (source: string) => {
    const form = toForm({ platform: 'ios', source: new Blob([source]) })
    return controller.ask('/api/builds/submit', { headers, form })
  }

  const [first, second] = [await send('PK one'), await send('PK one')]
  const other = await send('PK another')

  expect(second.body['id']).toBe(first.body['id'])
  expect(other.status).toBe(422)
  const token = { 'x-build-token': second.body['access_token'] }
  const status = await controller.ask(`/api/builds/${first.body['id']}/status`, { headers: token })
  expect(status.status).toBe(200)
  expect(filesIn(controller.storageRoot)).toEqual([first.body['id']])
})

test('a download has its length, its tag, its ranges', async () => {
  await using controller = await startController(postgres())
  const { id, token } = await submit(controller, { source: new Blob(['0123456789']) })
  const ask = (headers: Record<string, string>) =>
    controller.ask(`/api/builds/${id}/download/source`, {
      headers: { 'x-build-token': token, ...headers },
    })
  const etag = `"${createHash('sha256').update('0123456789').digest('hex')}"`

  const whole = await ask({})
  expect([whole.status, whole.bytes.toString()]).toEqual([200, '0123456789'])
  expect(whole.headers.get('etag')).toBe(etag)
  expect(whole.headers.get('content-length')).toBe('10')
  const part = await ask({ range: 'bytes=2-4' })
  expect([part.status, part.bytes.toString()]).toEqual([206, '234'])
  expect(part.headers.get('content-range')).toBe('bytes 2-4/10')
  expect((await ask({ range: 'bytes=7-' })).bytes.toString()).toBe('789')
  expect((await ask({ range: 'bytes=-3' })).bytes.toString()).toBe('789')
  expect((await ask({ range: 'bytes=10-' })).status).toBe(416)
  expect((await ask({ range: 'bytes=2-4', 'if-range': '"other"' })).status).toBe(200)
  expect((await ask({ 'if-none-match': etag })).status).toBe(304)
})

test.each([
  ['bytes=0-0', { start: 0, end: 0 }],
  ['bytes=5-100', { start: 5, end: 9 }],
  ['bytes=-100', { start: 0, end: 9 }],
  ['bytes=-0', 'none'],
  ['bytes=10-11', 'none'],
  ['bytes=4-2', undefined],
  ['bytes=-', undefined],
  ['bytes=0-1,3-4', undefined],
  ['lines=0-1', undefined],
])('of ten bytes %s is %p', (text, range) => {
  expect(parseRange(text, 10)).toEqual(range)
})

/** A ZIP with these entries, which says of their sizes what it is told to. */
function toZip(entries: { name: string; content: Buffer; claims?: number }[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { name, content, claims = content.length } of entries) {
    const packed = deflateRawSync(content)
    const about = Buffer.alloc(26)
    about.writeUInt16LE(20, 0)
    about.writeUInt16LE(8, 4)
    about.writeUInt32LE(packed.length, 14)
    about.writeUInt32LE(claims, 18)
    about.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), about, Buffer.from(name), packed])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE(offset, 10)
    central.push(
      Buffer.concat([
        Buffer.from('PK\x01\x02'),
        Buffer.from([20, 0]),
        about,
        tail,
        Buffer.from(name),
      ]),
    )
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end])
}

test('a bundle of certificates is read, and one that unpacks without end is not', async () => {
  const p12 = { name: 'keys/dist.p12', content: Buffer.from('the key') }
  const password = { name: 'password.txt', content: Buffer.from('secret\n') }
  const profile = { name: 'a.mobileprovision', content: Buffer.from('profile') }

  expect(await readBundle(toZip([p12, password, profile]))).toEqual({
    p12: p12.content,
    password: 'secret',
    profiles: [profile.content],
  })
  const bomb = { name: 'bomb.p12', content: Buffer.alloc(60 * 1024 * 1024) }
  await expect(readBundle(toZip([bomb]))).rejects.toThrow('Certs bundle too large')
  await expect(readBundle(toZip([{ ...bomb, claims: 10 }]))).rejects.toThrow(
    'Certs bundle is broken',
  )
  await expect(readBundle(toZip([password]))).rejects.toThrow('holds no .p12')
  await expect(readBundle(Buffer.from('no archive'))).rejects.toThrow('is no ZIP archive')
  await expect(readBundle(toZip([{ ...p12, name: '../dist.p12' }]))).rejects.toThrow('is broken')
  const many = Array.from({ length: 101 }, (_, at) => ({
    ...profile,
    name: `${at}.mobileprovision`,
  }))
  await expect(readBundle(toZip(many))).rejects.toThrow('more than 100 entries')
})
