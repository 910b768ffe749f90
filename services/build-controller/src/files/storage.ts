import { createHash, randomBytes } from 'node:crypto'
import { constants, createWriteStream } from 'node:fs'
import {
  type FileHandle,
  link,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  statfs,
  unlink,
} from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { StoredFile } from '../store/builds.ts'

/** A file that was received whole and is on the disk, and that nobody knows of yet. */
export interface Draft extends AsyncDisposable {
  readonly bytes: number
  /** Of what came, whatever it is kept as. */
  readonly sha256: Buffer
  /** Gives it to a build; from then on disposing does nothing. */
  keep(buildId: string, name: string): Promise<StoredFile>
}

export interface Storage {
  readonly root: string
  /** Streams it to the disk, with what `through` makes of it. Throws `TooLargeError` beyond the limit. */
  receive(from: Readable, maxBytes: number, through?: Transform): Promise<Draft>
  /** Throws where there is none. The caller closes it. */
  open(buildId: string, name: string): Promise<FileHandle>
  /** The same bytes under the name of another build, without a copy. */
  share(
    from: { buildId: string; name: string },
    to: { buildId: string; name: string },
  ): Promise<void>
  remove(buildId: string, name: string): Promise<void>
  removeAll(buildId: string): Promise<void>
  /** Builds with files, in no order. */
  list(): Promise<string[]>
  /** Removes what is in the folder of a build, is not to be kept, and is older than an hour. How many. */
  removeOld(buildId: string, keep: ReadonlySet<string>): Promise<number>
  /** What came and was given to nobody, older than an hour: a process died. How many. */
  sweepIncoming(): Promise<number>
  freeBytes(): Promise<number>
}

export class TooLargeError extends Error {
  override name = 'TooLargeError'
  readonly maxBytes: number

  constructor(maxBytes: number) {
    super(`more than ${maxBytes} bytes`)
    this.maxBytes = maxBytes
  }
}

const abandonedMs = 3_600_000
const isId = /^[A-Za-z0-9_-]{1,64}$/
const isName = /^[a-z]{1,16}(-\d{1,9})?$/

/** Every path is made of ids that are ours; what a client calls its files is read nowhere. */
export async function openStorage(folder: string, now = Date.now): Promise<Storage> {
  await mkdir(join(folder, 'incoming'), { recursive: true, mode: 0o700 })
  await mkdir(join(folder, 'builds'), { recursive: true, mode: 0o700 })
  const root = await realpath(folder)
  const incoming = join(root, 'incoming')

  const pathOf = (buildId: string, name?: string): string => {
    if (!isId.test(buildId)) throw new Error(`${JSON.stringify(buildId)} is no id of a build`)
    if (name === undefined) return join(root, 'builds', buildId)
    if (!isName.test(name)) throw new Error(`${JSON.stringify(name)} is no name of a file`)
    return join(root, 'builds', buildId, name)
  }

  /** Makes the folder of a build. A link that somebody put there leads nowhere. */
  const folderOf = async (buildId: string): Promise<string> => {
    const path = pathOf(buildId)
    const made = await mkdir(path, { recursive: true, mode: 0o700 })
    if (made !== undefined) await syncFolder(join(root, 'builds'))
    const real = await realpath(path)
    if (real !== path || !real.startsWith(root + sep)) throw new Error(`${path} is a link`)
    return path
  }

  return {
    root,

    async receive(from, maxBytes, through) {
      const path = join(incoming, randomBytes(16).toString('hex'))
      const hash = createHash('sha256')
      let bytes = 0
      async function* measured(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
        for await (const chunk of source) {
          bytes += chunk.length
          if (bytes > maxBytes) throw new TooLargeError(maxBytes)
          hash.update(chunk)
          yield chunk
        }
      }
      // flush: fsync before it is closed.
      const file = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true })
      try {
        await (through ? pipeline(from, measured, through, file) : pipeline(from, measured, file))
      } catch (error) {
        await rm(path, { force: true })
        throw error
      }
      let isKept = false
      const sha256 = hash.digest()
      return {
        bytes,
        sha256,
        async keep(buildId, name) {
          const to = pathOf(buildId, name)
          const within = await folderOf(buildId)
          await rename(path, to)
          isKept = true
          await syncFolder(within)
          return { name, bytes, sha256 }
        },
        async [Symbol.asyncDispose]() {
          if (!isKept) await rm(path, { force: true })
        },
      }
    },

    async open(buildId, name) {
      const path = pathOf(buildId, name)
      const real = await realpath(pathOf(buildId))
      if (real !== pathOf(buildId)) throw new Error(`${real} is not where it should be`)
      return open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    },

    async share(from, to) {
      const within = await folderOf(to.buildId)
      await link(pathOf(from.buildId, from.name), pathOf(to.buildId, to.name))
      await syncFolder(within)
    },

    async remove(buildId, name) {
      await rm(pathOf(buildId, name), { force: true })
    },

    async removeAll(buildId) {
      await rm(pathOf(buildId), { recursive: true, force: true })
    },

    list: () => readdir(join(root, 'builds')),

    async removeOld(buildId, keep) {
      const within = pathOf(buildId)
      const removed = await removeOldIn(within, keep, now)
      // One that was made just now waits for its files. It fails while anything is in it.
      if (keep.size === 0 && (await isOld(within, now))) await rmdir(within).catch(() => undefined)
      return removed
    },

    sweepIncoming: () => removeOldIn(incoming, new Set(), now),

    async freeBytes() {
      const { bavail, bsize } = await statfs(root)
      return bavail * bsize
    },
  }
}

/** By when it got its name or its entries: a link to a source keeps the time of its content. */
async function isOld(path: string, now: () => number): Promise<boolean> {
  // Another controller may be faster.
  const about = await stat(path).catch(() => undefined)
  return about !== undefined && now() - about.ctimeMs > abandonedMs
}

async function removeOldIn(
  folder: string,
  keep: ReadonlySet<string>,
  now: () => number,
): Promise<number> {
  let removed = 0
  for (const name of await readdir(folder)) {
    if (keep.has(name)) continue
    const path = join(folder, name)
    if (!(await isOld(path, now))) continue
    await unlink(path).catch(() => undefined)
    removed += 1
  }
  return removed
}

/** Without it a name may be gone after a loss of power, although its file was synced. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
