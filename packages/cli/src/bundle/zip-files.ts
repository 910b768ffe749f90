import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { crc32, createInflateRaw } from 'node:zlib'
import { Failure } from '../failure.ts'
import type { BundleFiles } from './bundle-files.ts'

// A zip is read by its directory, which stands at its end, and nothing of it is written to disk.
// Places of fields are those of PKWARE's APPNOTE 6.3, section 4.3.

interface Entry {
  name: string
  method: number
  crc: number
  packedBytes: number
  bytes: number
  /** Where its header begins. */
  start: number
}

const endBytes = 22
const longestComment = 0xffff
const entryBytes = 46
const headerBytes = 30
// A bundle has seven; the other tools of a person add a few.
const mostEntries = 1000
const mostDirectoryBytes = 1_000_000
// Records are packed to a tenth or a twentieth; deflate ends at 1,032.
const mostRatio = 200
const smallBytes = 1_000_000

export async function openZip(path: string): Promise<BundleFiles> {
  const entries = await readDirectory(path)
  // Tools put the folder's name before the names in it.
  const manifests = entries.filter(({ name }) => /^([^/]+\/)?manifest\.json$/.test(name))
  if (manifests.length > 1) throw new Failure(`${path} has more than one manifest.json`)
  const folder = manifests[0]?.name.replace(/manifest\.json$/, '') ?? ''
  return {
    async find(name) {
      const entry = entries.find((each) => each.name === folder + name)
      return entry && { bytes: entry.bytes, read: () => readEntry(path, entry) }
    },
  }
}

async function readDirectory(path: string): Promise<Entry[]> {
  await using file = await open(path)
  const { size } = await file.stat()
  const tail = await readAt(file, Math.max(0, size - endBytes - longestComment), size)
  const at = findEnd(tail)
  if (at === undefined) throw new Failure(`${path} is no bundle: no folder, no zip, or cut short`)
  const count = tail.readUInt16LE(at + 10)
  const length = tail.readUInt32LE(at + 12)
  const start = tail.readUInt32LE(at + 16)
  if (count === 0xffff || start === 0xffffffff) throw isTooLarge(path)
  if (count > mostEntries || length > mostDirectoryBytes) {
    throw new Failure(`${path} has more than ${mostEntries} entries`)
  }
  const directory = await readAt(file, start, start + length)
  const entries: Entry[] = []
  let place = 0
  for (let index = 0; index < count; index += 1) {
    const entry = readDirectoryEntry(path, directory.subarray(place))
    if (entries.some(({ name }) => name === entry.name)) {
      throw new Failure(`${path} has two entries named ${JSON.stringify(entry.name)}`)
    }
    entries.push(entry)
    place +=
      entryBytes +
      directory.readUInt16LE(place + 28) +
      directory.readUInt16LE(place + 30) +
      directory.readUInt16LE(place + 32)
  }
  return entries
}

/** The end of the directory, after which there is nothing but its own comment. */
function findEnd(tail: Buffer): number | undefined {
  for (let at = tail.length - endBytes; at >= 0; at -= 1) {
    const isEnd = tail.readUInt32LE(at) === 0x06054b50
    if (isEnd && at + endBytes + tail.readUInt16LE(at + 20) === tail.length) return at
  }
  return undefined
}

function readDirectoryEntry(path: string, from: Buffer): Entry {
  const nameLength = from.length < entryBytes ? 0 : from.readUInt16LE(28)
  if (from.length < entryBytes + nameLength || from.readUInt32LE(0) !== 0x02014b50) {
    throw new Failure(`${path} is damaged or cut short`)
  }
  const name = from.toString('utf8', entryBytes, entryBytes + nameLength)
  const shown = JSON.stringify(name)
  if (/^\/|^[a-z]:|\\|\0|(^|\/)\.\.?(\/|$)/i.test(name)) {
    throw new Failure(`${path} has an entry whose path leads out of it: ${shown}`)
  }
  const kind = (from.readUInt32LE(38) >>> 16) & 0o170000
  if (![0, 0o100000, 0o040000].includes(kind)) {
    throw new Failure(`${path} has an entry that is no regular file: ${shown}`)
  }
  if ((from.readUInt16LE(8) & 1) !== 0) throw new Failure(`${path} is encrypted: ${shown}`)
  const [packedBytes, bytes, start] = [20, 24, 42].map((field) => from.readUInt32LE(field))
  if (packedBytes === undefined || bytes === undefined || start === undefined) {
    throw new Error('unreachable: three fields were read')
  }
  if ([packedBytes, bytes, start].includes(0xffffffff)) throw isTooLarge(path)
  if (bytes > smallBytes && bytes > packedBytes * mostRatio) {
    throw new Failure(`${path} claims ${bytes} bytes in ${packedBytes}: ${shown}`)
  }
  return {
    name,
    method: from.readUInt16LE(10),
    crc: from.readUInt32LE(16),
    packedBytes,
    bytes,
    start,
  }
}

async function* readEntry(path: string, entry: Entry): AsyncGenerator<Uint8Array> {
  const { name, method, packedBytes, bytes } = entry
  const where = `${path}, ${JSON.stringify(name)}`
  if (method !== 0 && method !== 8)
    throw new Failure(`${where} is packed in a way that is not read`)
  const start = await findContents(path, entry)
  let read = 0
  let crc = 0
  // The end of a stream is its last byte: one of no bytes cannot be asked for.
  if (packedBytes > 0) {
    const packed = createReadStream(path, { start, end: start + packedBytes - 1 })
    // What is wrong with either is thrown by the one that is read.
    const contents = method === 0 ? packed : pipeline(packed, createInflateRaw(), () => {})
    const chunks: AsyncIterable<Uint8Array> = contents
    try {
      for await (const chunk of chunks) {
        read += chunk.length
        if (read > bytes) throw new Failure(`${where} has more than the ${bytes} bytes it claims`)
        crc = crc32(chunk, crc)
        yield chunk
      }
    } catch (cause) {
      if (cause instanceof Failure) throw cause
      throw new Failure(`${where} is damaged or cut short`, { cause })
    }
  }
  if (read !== bytes || crc !== entry.crc) throw new Failure(`${where} is damaged or cut short`)
}

async function findContents(path: string, { name, start, packedBytes }: Entry): Promise<number> {
  await using file = await open(path)
  const { size } = await file.stat()
  const header = await readAt(file, start, start + headerBytes)
  const nameLength = header.length < headerBytes ? 0 : header.readUInt16LE(26)
  const own = await readAt(file, start + headerBytes, start + headerBytes + nameLength)
  const contents = start + headerBytes + nameLength + (nameLength > 0 ? header.readUInt16LE(28) : 0)
  if (own.toString('utf8') !== name || contents + packedBytes > size) {
    throw new Failure(`${path}, ${JSON.stringify(name)} is damaged or cut short`)
  }
  return contents
}

async function readAt(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(to - from), position: from })
  return buffer.subarray(0, bytesRead)
}

const isTooLarge = (path: string): Failure =>
  new Failure(`${path} is longer than 4 GB: unpack it, and import the folder`)
