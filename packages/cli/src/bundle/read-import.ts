import { open, readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { createParser, fromJsonExport, JsonExport } from '@corroport/contracts'
import { Failure } from '../failure.ts'
import type { Import } from './import-records.ts'
import { asFailure, openBundle } from './read-bundle.ts'
import { refuseFile } from './refuse-file.ts'

export type ImportSource = Pick<Import, 'experiment' | 'records'>

/** A bundle, or a JSON export. The records are read when they are asked for. */
export function readImport(path: string): Promise<ImportSource> {
  return readAny(path).catch(refuseFile)
}

async function readAny(path: string): Promise<ImportSource> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new Failure(`there is no ${path}`, { cause })
  })
  if (!found.isDirectory() && !found.isFile()) throw new Failure(`${path} is no regular file`)
  const isBundle = found.isDirectory() || basename(path) === 'manifest.json' || (await isZip(path))
  if (!isBundle) return readJsonExport(path, found.size)
  const { manifest, records } = await openBundle(path)
  return { experiment: manifest.experiment, records: records() }
}

async function isZip(path: string): Promise<boolean> {
  await using file = await open(path)
  const { buffer } = await file.read({ buffer: Buffer.alloc(2) })
  return buffer.toString('latin1') === 'PK'
}

const parseExport = createParser('the export', JsonExport)
// As text and as values at once it takes some times as much memory.
const maxExportBytes = 128 * 1024 * 1024

async function readJsonExport(path: string, size: number): Promise<ImportSource> {
  if (size > maxExportBytes) throw new Failure(`${path} is longer than ${maxExportBytes} bytes`)
  try {
    const { experiment, events } = fromJsonExport(
      parseExport(JSON.parse(await readFile(path, 'utf8'))),
    )
    return { experiment, records: events }
  } catch (error) {
    throw asFailure(error, path)
  }
}
