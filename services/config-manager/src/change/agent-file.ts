import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { readFileSync, realpathSync } from 'node:fs'
import { messageOf, RefusalError } from '@corroport/bus'
import type { ConfigChange } from '@corroport/contracts'
import { parseToml, type TomlTable } from '../config/toml.ts'

/** A file as it is at one moment. */
export interface Snapshot {
  /** Of the file itself, where the path is a link. */
  path: string
  bytes: Buffer
  sha256: string
}

/** Throws `RefusalError('unavailable')` where there is nothing to be read. */
export function readSnapshot(path: string): Snapshot {
  try {
    const bytes = readFileSync(path)
    return { path: realpathSync(path), bytes, sha256: digest(bytes) }
  } catch (error) {
    throw new RefusalError('unavailable', `${path} cannot be read: ${reasonOfFile(error)}`)
  }
}

export function readParsed(path: string): Snapshot & { text: string; table: TomlTable } {
  const snapshot = readSnapshot(path)
  if (!isUtf8(snapshot.bytes)) {
    throw new RefusalError('unavailable', `${path} is no TOML, it is not UTF-8`)
  }
  const text = snapshot.bytes.toString()
  try {
    return { ...snapshot, text, table: parseToml(text).table }
  } catch (error) {
    throw new RefusalError('unavailable', `${path} is ${messageOf(error)}`)
  }
}

/** Undefined where it is no TOML. */
export function tableOf({ bytes }: Snapshot): TomlTable | undefined {
  try {
    return parseToml(bytes.toString()).table
  } catch {
    return undefined // it is about to be replaced by a right one
  }
}

export function readBackup({ id, backup, sha256_before }: ConfigChange): Buffer {
  let bytes: Buffer
  try {
    bytes = readFileSync(backup ?? '')
  } catch (error) {
    throw new RefusalError(
      'conflict',
      `the file of before change ${id} is gone: ${backup}: ${reasonOfFile(error)}`,
    )
  }
  if (digest(bytes) !== sha256_before) {
    throw new RefusalError(
      'conflict',
      `${backup} is not the file of before change ${id}: it is ${digest(bytes)}, not ${sha256_before}`,
    )
  }
  return bytes
}

export function requireDigest({ path, sha256 }: Snapshot, expected: string, since: string): void {
  if (sha256 === expected) return
  throw new RefusalError(
    'conflict',
    `${path} has changed ${since}: it is ${sha256}, and was ${expected}`,
  )
}

export function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Where a link leads; the path itself where nothing is there. */
export function toRealPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path // a missing file is told by whoever reads it
  }
}

const fileReasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'no permission',
  EISDIR: 'it is a folder',
}

function reasonOfFile(error: unknown): string {
  const code = Error.isError(error) && 'code' in error ? String(error.code) : ''
  return fileReasons[code] ?? messageOf(error)
}
