import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Zip, ZipDeflate } from 'fflate'

/** Without the extension for 64 bits, a place in a zip has 32. */
export const maxZipBytes = 4_000_000_000

/** Packs files of a folder, under the name of another. Equal files make equal zips. */
export async function writeZip(
  target: string,
  { from, names, folder }: { from: string; names: readonly string[]; folder: string },
): Promise<void> {
  await using file = await open(target, 'wx')
  let waiting: Uint8Array[] = []
  const write = async (): Promise<void> => {
    const chunks = waiting
    waiting = []
    await file.writeFile(chunks)
  }
  const zip = new Zip((error, chunk) => {
    if (error) throw error
    waiting.push(chunk)
  })
  for (const name of names) {
    const entry = new ZipDeflate(`${folder}/${name}`)
    // The first day that a zip can tell, in whatever zone.
    entry.mtime = new Date(1980, 0, 1)
    zip.add(entry)
    const chunks: AsyncIterable<Uint8Array> = createReadStream(join(from, name))
    for await (const chunk of chunks) {
      entry.push(chunk)
      await write()
    }
    entry.push(new Uint8Array(), true)
  }
  zip.end()
  await write()
}
