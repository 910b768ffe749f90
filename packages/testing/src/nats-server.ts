import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { applyStreams } from '@corroport/bus'
import { durablesFor, streams } from '@corroport/contracts'
import { requireNatsServer } from '../../../infra/setup/find-nats-server.mjs'
import { freePort } from './free-port.ts'

export interface NatsServer extends AsyncDisposable {
  readonly url: string
  /** Where it tells of itself over HTTP. */
  readonly monitorUrl: string
  readonly pid: number
  /** SIGKILL, as a crash would. */
  kill(): Promise<void>
  /** Starts it again on the same port, with what its store holds, and applies the streams. */
  start(): Promise<void>
  /** Empties the store. Only while it is down. */
  wipe(): void
  /** Of its streams and consumers. To be copied or replaced while it is down. */
  readonly storeFolder: string
}

export interface NatsServerOptions {
  /** Nodes for which durables are made. */
  nodeIds?: readonly string[]
}

export function natsServerProgram(): string {
  return requireNatsServer(process.env)
}

/** A real nats-server with JetStream on a free port, its streams and durables made. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const program = natsServerProgram()
  const folder = mkdtempSync(join(tmpdir(), 'corroport-nats-'))
  const [port, monitorPort] = [await freePort(), await freePort()]
  const url = `nats://127.0.0.1:${port}`
  const config = join(folder, 'nats.conf')
  const storeFolder = join(folder, 'store')
  writeFileSync(
    config,
    `listen: "127.0.0.1:${port}"\nhttp: "127.0.0.1:${monitorPort}"\njetstream { store_dir: "${storeFolder}", max_file_store: 4GB }\n`,
  )
  let child: ChildProcess | undefined

  const start = async (): Promise<void> => {
    const server = spawn(program, ['-c', config], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child = server
    await ready(server)
    await applyStreams({ url, streams, durables: durablesFor(options.nodeIds ?? []) })
  }
  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  await start()
  return {
    url,
    monitorUrl: `http://127.0.0.1:${monitorPort}`,
    get pid() {
      if (child?.pid === undefined) throw new Error('nats-server is not running')
      return child.pid
    },
    kill,
    start,
    storeFolder,
    wipe: () => rmSync(storeFolder, { recursive: true, force: true }),
    async [Symbol.asyncDispose]() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function ready(server: ChildProcess): Promise<void> {
  let output = ''
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new Error('nats-server cannot be started', { cause: error })),
    )
    server.once('exit', (code) => reject(new Error(`nats-server ended with ${code}: ${output}`)))
    server.stderr?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000)
      if (output.includes('Server is ready')) resolve()
    })
  })
  server.removeAllListeners('exit')
}
