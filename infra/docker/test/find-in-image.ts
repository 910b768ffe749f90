import { execFile } from 'node:child_process'
import { createReadStream, globSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { promisify } from 'node:util'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { createTemporaryFolder } from '@corroport/testing'
import type { Project } from '../src/project.ts'

/** Those of some texts that a layer of an image holds, or what is told of the image. */
export async function findInImage(
  project: Project,
  image: string,
  texts: readonly string[],
): Promise<string[]> {
  using folder = createTemporaryFolder()
  const archive = join(folder.path, 'image.tar')
  await project.docker('image', 'save', '--output', archive, image)
  await promisify(execFile)('tar', ['-x', '-f', archive, '-C', folder.path])
  rmSync(archive)
  const found = new Set<string>()
  for (const entry of globSync('**/*', { cwd: folder.path, withFileTypes: true })) {
    if (entry.isFile()) await findInFile(join(entry.parentPath, entry.name), texts, found)
  }
  return [...found]
}

async function findInFile(
  path: string,
  texts: readonly string[],
  found: Set<string>,
): Promise<void> {
  const longest = Math.max(...texts.map((text) => Buffer.byteLength(text)))
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 })
  const decompressor = await decompressorOf(path)
  let seen = Buffer.alloc(0)
  for await (const chunk of decompressor ? stream.compose(decompressor) : stream) {
    // A text may begin at the end of the chunk before.
    seen = Buffer.concat([seen.subarray(-longest), chunk as Buffer])
    for (const text of texts) if (seen.includes(text)) found.add(text)
  }
}

/** Some engines compress layers. */
async function decompressorOf(path: string): Promise<Duplex | undefined> {
  await using file = await open(path)
  const { buffer } = await file.read({ buffer: Buffer.alloc(4) })
  if (buffer.readUInt16BE() === 0x1f8b) return createGunzip()
  return buffer.readUInt32BE() === 0x28b52ffd ? createZstdDecompress() : undefined
}
