import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { experimentQueried } from '@corroport/contracts'
import { createTemporaryFolder } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { type ZipOptions, zipSync } from 'fflate'
import { readImport } from './read-import.ts'

const fixtures = join(import.meta.dirname, '../../../contracts/fixtures')

function exampleOf(name: string): unknown {
  return JSON.parse(readFileSync(join(fixtures, `${name}.json`), 'utf8'))
}

const { experiment, progress } = experimentQueried.parseReply(
  (exampleOf('command-analytics-experiment') as { reply: unknown }).reply,
)
const acked = `${JSON.stringify({ kind: 'acked', event: exampleOf('ack-received') })}\n`
const empty = new Uint8Array()

type Contents = Record<string, Uint8Array>

/** The files of a bundle with these records; `change` makes another manifest of its text. */
function bundleOf(
  events: string | Uint8Array = acked,
  change = (manifest: string): string => manifest,
): Contents {
  const records = {
    'events.ndjson': Buffer.from(events),
    'clocks.ndjson': empty,
    'samples.ndjson': empty,
  }
  const manifest = {
    format: 'corroport-experiment',
    version: 1,
    exported_at: '2026-01-15T11:00:00.000000Z',
    exported_by: '0.1.0',
    experiment,
    progress,
    commands: [],
    files: Object.entries(records).map(([name, bytes]) => ({
      name,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })),
  }
  return { 'manifest.json': Buffer.from(change(JSON.stringify(manifest))), ...records }
}

async function readAll(path: string) {
  const { records, ...read } = await readImport(path)
  return { ...read, records: await Array.fromAsync(records) }
}

async function readFolder(contents: Contents, more?: (folder: string) => Promise<unknown>) {
  using folder = createTemporaryFolder()
  const bundle = join(folder.path, 'bundle')
  await mkdir(bundle)
  for (const [name, bytes] of Object.entries(contents)) await writeFile(join(bundle, name), bytes)
  await more?.(bundle)
  return await readAll(bundle)
}

async function readZip(zip: Uint8Array) {
  using folder = createTemporaryFolder()
  const file = join(folder.path, 'bundle.zip')
  await writeFile(file, zip)
  return await readAll(file)
}

const { 'events.ndjson': _, ...withoutEvents } = bundleOf()

test.each<[string, Contents, string]>([
  [
    'whose records are cut short',
    { ...bundleOf(), 'events.ndjson': Buffer.from(acked.slice(0, 50)) },
    'events.ndjson is not what the manifest says: changed or cut short',
  ],
  [
    'with a changed byte',
    { ...bundleOf(), 'events.ndjson': Buffer.from(acked.replace('acked', 'Acked')) },
    'changed or cut short',
  ],
  ['without its records', withoutEvents, 'events.ndjson is missing'],
  ['with half a manifest', bundleOf(acked, (text) => text.slice(0, 200)), 'no JSON, damaged'],
  [
    'of another format',
    bundleOf(acked, () => '{"format":"x","version":1}'),
    'of another format than corroport-experiment',
  ],
  [
    'of a later version',
    bundleOf(acked, (text) => text.replace('"version":1', '"version":2')),
    'has version 2; this corroport reads 1',
  ],
  [
    'with a path for a name',
    bundleOf(acked, (text) => text.replace('"samples.ndjson"', '"../../samples.ndjson"')),
    'does not fit its contract',
  ],
  [
    'with a manifest that is too long',
    bundleOf(acked, () => ' '.repeat(4_000_001)),
    'is longer than 4000000 bytes',
  ],
  ['of too many records', bundleOf('\n'.repeat(5_000_001)), 'has more than 5000000 records'],
  ['with an endless line', bundleOf(new Uint8Array(1_100_000)), 'a line is longer than'],
  ['with a record that is none', bundleOf('{}\n'), 'events.ndjson, record 1: record does not fit'],
  ['with half a record', bundleOf(acked.slice(0, 80)), 'record 1: no JSON, damaged or cut short'],
])('a bundle %s is refused', async (_name, contents, words) => {
  await expect(readFolder(contents)).rejects.toMatchObject({
    name: 'Failure',
    message: expect.stringContaining(words),
  })
})

test('a link in place of records is not followed', async () => {
  const link = (folder: string) => symlink('/etc/passwd', join(folder, 'events.ndjson'))

  await expect(readFolder(withoutEvents, link)).rejects.toThrow('is no regular file')
})

const inFolder = (contents: Contents): Contents =>
  Object.fromEntries(Object.entries(contents).map(([name, bytes]) => [`bundle/${name}`, bytes]))
const whole = inFolder(bundleOf())

/** A number in the first entry of the directory. */
function patched(zip: Uint8Array, field: number, value: number): Uint8Array {
  const changed = Buffer.from(zip)
  changed.writeUInt16LE(value, changed.indexOf('PK\x01\x02', 'latin1') + field)
  return changed
}

const zipOf = (more: Record<string, Uint8Array | [Uint8Array, ZipOptions]> = {}): Uint8Array =>
  zipSync({ ...whole, ...more })

test.each([
  ['packed', zipOf()],
  ['stored', zipSync(whole, { level: 0 })],
  ['without its folder', zipSync(bundleOf())],
  ['with what a Mac adds', zipOf({ '__MACOSX/bundle/._manifest.json': empty })],
  ['with a comment', zipSync(whole, { comment: 'made on a Friday' })],
])('a zip that another tool made is read: %s', async (_name, zip) => {
  const { experiment: read, records } = await readZip(zip)

  expect(read).toEqual(experiment)
  expect(records).toEqual([JSON.parse(acked)])
})

test.each<[string, Uint8Array, string]>([
  ['with a path upwards', zipOf({ 'a/../../evil': empty }), 'leads out of it: "a/../../evil"'],
  ['with an absolute path', zipOf({ '/etc/evil': empty }), 'leads out of it'],
  ['with a path of Windows', zipOf({ 'C:\\evil': empty }), 'leads out of it'],
  [
    'with a link',
    zipOf({ 'bundle/link': [empty, { os: 3, attrs: 0o120777 * 2 ** 16 }] }),
    'no regular file: "bundle/link"',
  ],
  [
    'with two entries of one name',
    Buffer.from(
      Buffer.from(zipOf({ 'bundle/manifest.jsoN': empty }))
        .toString('latin1')
        .replaceAll('jsoN', 'json'),
      'latin1',
    ),
    'two entries named "bundle/manifest.json"',
  ],
  ['with two manifests', zipOf({ 'other/manifest.json': empty }), 'more than one manifest.json'],
  ['without a manifest', zipSync({ 'bundle/readme': empty }), 'has no manifest.json'],
  ['without its records', zipSync(inFolder(withoutEvents)), 'events.ndjson is missing'],
  ['that is encrypted', patched(zipOf(), 8, 1), 'is encrypted'],
  ['packed in another way', patched(zipOf(), 10, 12), 'packed in a way that is not read'],
  ['that is cut short', zipOf().slice(0, -30), 'or cut short'],
  [
    'whose middle is missing',
    Buffer.concat([zipOf().slice(0, 300), zipOf().slice(400)]),
    'damaged or cut short',
  ],
  ['with a changed byte', zipOf().with(200, 0), 'damaged or cut short'],
  [
    'with more entries than a bundle can have',
    zipOf(Object.fromEntries(Array.from({ length: 1001 }, (_each, n) => [`${n}`, empty]))),
    'more than 1000 entries',
  ],
  [
    'with a bomb',
    zipOf({ 'bundle/events.ndjson': new Uint8Array(20_000_000) }),
    'claims 20000000 bytes in',
  ],
  [
    'with a bomb that claims to be small',
    patched(zipSync({ 'bundle/manifest.json': new Uint8Array(60_000) }), 24, 500),
    'has more than the 500 bytes it claims',
  ],
])('a zip %s is refused', async (_name, zip, words) => {
  await expect(readZip(zip)).rejects.toMatchObject({
    name: 'Failure',
    message: expect.stringContaining(words),
  })
})
