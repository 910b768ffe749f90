import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { createParser, StoredEvent } from '@corroport/contracts'
import { Type } from 'typebox'
import { Failure } from '../failure.ts'
import { type BundleFile, type BundleFiles, openBundleFiles } from './bundle-files.ts'
import { readLines } from './lines.ts'
import { bundleFormat, bundleVersion, Manifest, recordFiles } from './manifest.ts'

// What is read was perhaps made by an enemy: every size has a bound before anything is kept.
const maxManifestBytes = 4_000_000
const maxEvents = 5_000_000
const maxRecordBytes = 8_000_000_000

export interface Bundle {
  readonly manifest: Manifest
  /** The records, read once their files are proved to be those of the manifest. */
  records: () => AsyncGenerator<StoredEvent>
}

const parseHead = createParser(
  'manifest.json',
  Type.Object({ format: Type.Unknown(), version: Type.Unknown() }),
)
const parseManifest = createParser('manifest.json', Manifest)
const parseRecord = createParser('record', StoredEvent)

export async function openBundle(path: string): Promise<Bundle> {
  const files = await openBundleFiles(path)
  const manifest = await readManifest(path, files)
  return {
    manifest,
    async *records() {
      const proved: { name: string; file: BundleFile }[] = []
      let lines = 0
      for (const name of recordFiles) {
        const file = await findFile(path, name, files)
        lines += await proveFile(join(path, name), file, manifest)
        if (lines > maxEvents) throw new Failure(`${path} has more than ${maxEvents} records`)
        proved.push({ name, file })
      }
      for (const { name, file } of proved) {
        let count = 0
        for await (const line of linesOf(join(path, name), file)) {
          count += 1
          yield parsed(line, `${name}, record ${count}`)
        }
      }
    },
  }
}

async function findFile(path: string, name: string, files: BundleFiles): Promise<BundleFile> {
  const file = await files.find(name)
  if (!file) throw new Failure(`${join(path, name)} is missing`)
  return file
}

async function readManifest(path: string, files: BundleFiles): Promise<Manifest> {
  const where = join(path, 'manifest.json')
  const file = await files.find('manifest.json')
  if (!file) {
    throw new Failure(`${path} has no manifest.json: no bundle, or an export that was not ended`)
  }
  if (file.bytes > maxManifestBytes) {
    throw new Failure(`${where} is longer than ${maxManifestBytes} bytes`)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(await Array.fromAsync(file.read())).toString())
    const { format, version } = parseHead(value)
    if (format !== bundleFormat) throw new Error(`of another format than ${bundleFormat}`)
    if (version !== bundleVersion) {
      throw new Error(
        `has version ${JSON.stringify(version)}; this corroport reads ${bundleVersion}`,
      )
    }
    return parseManifest(value)
  } catch (error) {
    throw asFailure(error, where)
  }
}

/** Throws where the file is not, to the byte, what its manifest says. Gives how many lines it has. */
async function proveFile(where: string, file: BundleFile, { files }: Manifest): Promise<number> {
  const entry = files.find(({ name }) => name === basename(where))
  if (!entry) throw new Failure(`the manifest does not name ${where}`)
  if (entry.bytes > maxRecordBytes) {
    throw new Failure(`${where} is longer than ${maxRecordBytes} bytes`)
  }
  const hash = createHash('sha256')
  let lines = 0
  if (file.bytes === entry.bytes) {
    for await (const chunk of file.read()) {
      hash.update(chunk)
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, at + 1)) lines += 1
    }
  }
  if (file.bytes !== entry.bytes || hash.digest('hex') !== entry.sha256) {
    throw new Failure(`${where} is not what the manifest says: changed or cut short`)
  }
  return lines
}

const newline = '\n'.charCodeAt(0)

async function* linesOf(where: string, file: BundleFile): AsyncGenerator<string> {
  try {
    yield* readLines(file.read())
  } catch (error) {
    throw asFailure(error, where)
  }
}

function parsed(line: string, where: string): StoredEvent {
  try {
    return parseRecord(JSON.parse(line))
  } catch (error) {
    throw asFailure(error, where)
  }
}

/** Says where; what is thrown for a person stays as it is. */
export function asFailure(error: unknown, where: string): unknown {
  if (error instanceof Failure || !(error instanceof Error)) return error
  const what = error instanceof SyntaxError ? 'no JSON, damaged or cut short' : error.message
  return new Failure(`${where}: ${what}`, { cause: error })
}
