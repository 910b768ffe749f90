import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Who may read what is written: numbers, since names differ between containers. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

export interface FileRights {
  readonly mode: number
  readonly owner?: Owner | undefined
}

/** What a file that was being written is called. One that is found was left by a killed process. */
export function isDraft(name: string): boolean {
  return name.startsWith('.') && name.endsWith('.draft')
}

/** Replaces a file as a whole: whoever reads it, or kills this process, finds the old or the new one. */
export function writeWhole(path: string, text: string, rights: FileRights): void {
  const draft = join(dirname(path), `.${basename(path)}.draft`)
  rmSync(draft, { force: true })
  try {
    writeDraft(draft, text, rights)
    renameSync(draft, path)
  } catch (error) {
    // Where a volume is full, it would take what little room there is.
    rmSync(draft, { force: true })
    throw error
  }
  syncFolder(dirname(path))
}

function writeDraft(path: string, text: string, { mode, owner }: FileRights): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    // Not writeSync, which writes less than it was given where a volume fills up, and does not say so.
    writeFileSync(file, text)
    // Before the mode: a change of the owner may take rights away.
    if (owner) fchownSync(file, owner.uid, owner.gid)
    fchmodSync(file, mode)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** Makes a folder, or gives the one that is there its rights. */
export function makeFolder(path: string, rights: FileRights): void {
  mkdirSync(path, { recursive: true, mode: rights.mode })
  setRights(path, rights)
}

/** Of what is there. */
export function setRights(path: string, { mode, owner }: FileRights): void {
  if (owner) {
    const { uid, gid } = statSync(path)
    if (uid !== owner.uid || gid !== owner.gid) chownSync(path, owner.uid, owner.gid)
  }
  chmodSync(path, mode)
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (Error.isError(error) && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

// Else a power cut could forget the new name, though the file is on the disk.
function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
