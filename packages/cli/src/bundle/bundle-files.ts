import { createReadStream } from 'node:fs'
import { lstat, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Failure } from '../failure.ts'
import { openZip } from './zip-files.ts'

/** A file of a bundle, wherever that is. */
export interface BundleFile {
  bytes: number
  /** May be read again. Throws where there are more or fewer bytes than that. */
  read(): AsyncIterable<Uint8Array>
}

export interface BundleFiles {
  find(name: string): Promise<BundleFile | undefined>
}

/** A folder, its manifest.json, or a zip of it. */
export async function openBundleFiles(path: string): Promise<BundleFiles> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new Failure(`there is no ${path}`, { cause })
  })
  if (found.isDirectory()) return openFolder(path)
  return basename(path) === 'manifest.json' ? openFolder(dirname(path)) : openZip(path)
}

function openFolder(folder: string): BundleFiles {
  return {
    async find(name) {
      const file = join(folder, name)
      // A link could lead anywhere, and a pipe has no end.
      const found = await lstat(file).catch(() => undefined) // not there: the caller says so
      if (found === undefined) return undefined
      if (!found.isFile()) throw new Failure(`${file} is no regular file`)
      return { bytes: found.size, read: () => createReadStream(file) }
    },
  }
}
