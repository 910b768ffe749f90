import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import {
  collectErrors,
  ended,
  findPostgres,
  giveToPostgres,
  initializePostgres,
  isRoot,
  postgresArguments,
  postgresUser,
} from './postgres-program.ts'

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

/** What is set decides over our usual settings, which trade durability for speed. */
export async function startPostgres(settings: Record<string, string> = {}): Promise<Postgres> {
  // Not below TMPDIR as root: that may lie where only root can look.
  const folder = await mkdtemp(join(isRoot ? '/tmp' : tmpdir(), 'corroport-pg-'))
  giveToPostgres(folder)
  const native = findPostgres(folder)
  const data = join(folder, 'data')
  const port = await freePort()
  let server: ChildProcess | undefined

  const start = async (): Promise<void> => {
    if (server) throw new Error('postgres runs already')
    const started = spawn(
      join(native, 'bin/postgres'),
      postgresArguments(data, port, { fsync: 'off', shared_buffers: '16MB', ...settings }),
      { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], ...postgresUser },
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
    await initializePostgres({ native, data, isSafe: false })
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

async function saysReady(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const output = collectErrors(child, (text) => {
    if (text.includes('ready to accept connections')) resolve()
  })
  child.once('error', reject)
  child.once('close', (code) => reject(new Error(`postgres ended with ${code}: ${output()}`)))
  await promise
}
