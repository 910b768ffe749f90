import type { Stats } from 'node:fs'
import { open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const keptBackups = 20

/** The bytes of an existing file are others from one moment to the next; owner and mode stay. */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = temporaryPath(path)
  try {
    await rm(temporary, { force: true })
    await writeDurably(temporary, bytes, await stat(path))
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncFolder(path)
}

/** What a process left that was killed while it replaced the file. */
export async function removeLeftover(path: string): Promise<void> {
  await rm(temporaryPath(path), { force: true })
}

/** Keeps a copy beside the file, of its owner and mode, and the newest twenty of all copies. */
export async function keepBackup(path: string, backup: string, bytes: Uint8Array): Promise<void> {
  await writeDurably(backup, bytes, await stat(path))
  await syncFolder(path)
  const start = `${basename(path)}.`
  const backups = (await readdir(dirname(path)))
    .filter((name) => name.startsWith(start) && /^[\dTZ.-]+\.bak$/.test(name.slice(start.length)))
    .toSorted()
  for (const name of backups.slice(0, -keptBackups)) {
    await rm(join(dirname(path), name), { force: true })
  }
}

/** `at` as in a timestamp, without what file systems do not take. */
export function backupPath(path: string, at: string): string {
  return `${path}.${at.replaceAll(':', '-')}.bak`
}

// Always the same one, so that what a killed process left is found.
function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.corroport.tmp`)
}

async function writeDurably(path: string, bytes: Uint8Array, like: Stats): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  const { uid, gid } = await file.stat()
  // Only where it differs: otherwise it would need a right for nothing.
  if (uid !== like.uid || gid !== like.gid) await file.chown(like.uid, like.gid)
  await file.chmod(like.mode & 0o7777)
  await file.writeFile(bytes)
  await file.sync()
}

/** A new name is durable with its folder, not with its file. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(dirname(path), 'r')
  await folder.sync()
}
