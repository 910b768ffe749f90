import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createParser, StoredEvent } from '@corroport/contracts'
import { Type } from 'typebox'
import { Failure } from '../failure.ts'
import { readLines } from './lines.ts'
import { bundleFormat, bundleVersion, Manifest, recordFiles } from './manifest.ts'

// What is read was perhaps made by an enemy: every size has a bound before anything is kept.
const maxManifestBytes = 4_000_000
export const maxEvents = 5_000_000
const maxRecordBytes = 8_000_000_000

export interface Bundle {
  readonly manifest: Manifest
  /** The records, read once their files are proved to be those of the manifest. */
  records(): AsyncGenerator<StoredEvent>
}

const parseHead = createParser(
  'manifest.json',
  Type.Object({ format: Type.Unknown(), version: Type.Unknown() }),
)
const parseManifest = createParser('manifest.json', Manifest)
const parseRecord = createParser('record', StoredEvent)

export async function openBundle(path: string): Promise<Bundle> {
  const folder = await lstat(path).catch((cause: unknown) => {
    throw new Failure(`there is no ${path}`, { cause })
  })
  if (!folder.isDirectory()) {
    throw new Failure(`${path} is no bundle: a folder that corroport experiment export wrote`)
  }
  const manifest = await readManifest(path)
  return {
    manifest,
    async *records() {
      for (const name of recordFiles) await proveFile(path, name, manifest)
      let count = 0
      for (const name of recordFiles) {
        for await (const line of linesOf(join(path, name))) {
          count += 1
          if (count > maxEvents) throw new Failure(`${path} has more than ${maxEvents} records`)
          yield parsed(line, `${name}, record ${count}`)
        }
      }
    },
  }
}

async function readManifest(path: string): Promise<Manifest> {
  const file = join(path, 'manifest.json')
  const { size } = await regular(
    file,
    `${path} has no manifest.json: no bundle, or an export that was not ended`,
  )
  if (size > maxManifestBytes) throw new Failure(`${file} is longer than ${maxManifestBytes} bytes`)
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    const { format, version } = parseHead(value)
    if (format !== bundleFormat) throw new Error(`of another format than ${bundleFormat}`)
    if (version !== bundleVersion) {
      throw new Error(
        `has version ${JSON.stringify(version)}; this corroport reads ${bundleVersion}`,
      )
    }
    return parseManifest(value)
  } catch (error) {
    throw asFailure(error, file)
  }
}

/** Throws where the file is not, to the byte, what its manifest says. */
async function proveFile(path: string, name: string, { files }: Manifest): Promise<void> {
  const file = join(path, name)
  const entry = files.find((each) => each.name === name)
  if (!entry) throw new Failure(`the manifest of ${path} does not name ${name}`)
  if (entry.bytes > maxRecordBytes)
    throw new Failure(`${file} is longer than ${maxRecordBytes} bytes`)
  const { size } = await regular(file, `${file} is missing`)
  const hash = createHash('sha256')
  if (size === entry.bytes) {
    const chunks: AsyncIterable<Uint8Array> = createReadStream(file)
    for await (const chunk of chunks) hash.update(chunk)
  }
  if (size !== entry.bytes || hash.digest('hex') !== entry.sha256) {
    throw new Failure(`${file} is not what the manifest says: changed or cut short`)
  }
}

/** A link could lead anywhere, and a pipe has no end. */
async function regular(file: string, absence: string): Promise<{ size: number }> {
  const found = await lstat(file).catch((cause: unknown) => {
    throw new Failure(absence, { cause })
  })
  if (!found.isFile()) throw new Failure(`${file} is no regular file`)
  return found
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield* readLines(createReadStream(file))
  } catch (error) {
    throw asFailure(error, file)
  }
}

function parsed(line: string, where: string): StoredEvent {
  try {
    return parseRecord(JSON.parse(line))
  } catch (error) {
    throw asFailure(error, where)
  }
}

function asFailure(error: unknown, where: string): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error
  const what = error instanceof SyntaxError ? 'no JSON, damaged or cut short' : error.message
  return new Failure(`${where}: ${what}`, { cause: error })
}
