import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Manifest } from './manifest.ts'

type Entry = Manifest['files'][number]

export interface HashedFile extends AsyncDisposable {
  write(text: string): Promise<void>
  /** Writes what is left. Gives the line of the manifest. */
  finish(): Promise<Entry>
}

const bufferBytes = 256 * 1024

/** A new file of a bundle. */
export async function createHashedFile(folder: string, name: Entry['name']): Promise<HashedFile> {
  const file = await open(join(folder, name), 'wx')
  const hash = createHash('sha256')
  let waiting: Buffer[] = []
  let waitingBytes = 0
  let bytes = 0

  const flush = async (): Promise<void> => {
    const chunk = Buffer.concat(waiting)
    waiting = []
    waitingBytes = 0
    hash.update(chunk)
    bytes += chunk.length
    await file.writeFile(chunk)
  }

  return {
    async write(text) {
      const chunk = Buffer.from(text)
      waiting.push(chunk)
      waitingBytes += chunk.length
      if (waitingBytes >= bufferBytes) await flush()
    },
    async finish() {
      await flush()
      return { name, bytes, sha256: hash.digest('hex') }
    },
    [Symbol.asyncDispose]: () => file.close(),
  }
}
