import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type AgentKind,
  type AgentProgram,
  findAgent,
  identifyAgent,
} from '../../../infra/setup/find-agent.mjs'
import { freePort } from './free-port.ts'
import { stopProcess } from './stop-process.ts'

export interface CorrosionAgentOptions {
  /** The agent's program, where it is not to be the one that is found. */
  binary?: string
  /** Gossip addresses of other agents. */
  bootstrap?: readonly string[]
  /** SQL of further tables, beside those of `corrosion/schemas`. */
  schemas?: readonly string[]
  bearerToken?: string
}

/** An agent with an empty database in a folder of its own. Disposing kills it and removes all. */
export interface CorrosionAgent extends AsyncDisposable {
  readonly kind: AgentKind
  /** Origin of the HTTP API. */
  readonly url: string
  readonly gossipAddr: string
  readonly adminPath: string
  /** Database, subscriptions, configuration and log. */
  readonly folder: string
  readonly pid: number
  /** Sends a signal; waits until the process has ended, or is stopped by SIGSTOP. */
  kill(signal: NodeJS.Signals): Promise<void>
  /** Starts it again after a kill; resolves when it answers, on its admin socket too, and has its tables. */
  start(): Promise<void>
  /** SIGTERM takes about six seconds; SIGKILL loses the subscriptions. */
  restart(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
  log(): Promise<string>
}

const schemaFolder = join(import.meta.dirname, '../../../corrosion/schemas')
const startTimeoutMs = 20_000
const pollMs = 15

/** Path of a real agent; undefined where the development agent takes its place. */
export function findCorrosion(): string | undefined {
  const { kind, path } = findAgent(process.env)
  return kind === 'real' ? path : undefined
}

/** An agent of the kind that this machine has: a real one, else the development agent. */
export function startCorrosionAgent({
  binary,
  ...options
}: CorrosionAgentOptions = {}): Promise<CorrosionAgent> {
  return startAgent(binary === undefined ? findAgent(process.env) : identifyAgent(binary), options)
}

/**
 * For what only a real agent can show. `npm test` leaves suites that call this out where there is
 * none, and names them.
 */
export function startRealAgent(
  options: Omit<CorrosionAgentOptions, 'binary'> = {},
): Promise<CorrosionAgent> {
  return startAgent(findAgent(process.env, 'real'), options)
}

async function startAgent(
  { kind, path: binary }: AgentProgram,
  options: CorrosionAgentOptions,
): Promise<CorrosionAgent> {
  // Short, because the path of a Unix socket is limited to about 100 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'corro-'))
  const apiPort = await freePort()
  const gossipAddr = `127.0.0.1:${await freePort()}`
  const url = `http://127.0.0.1:${apiPort}`
  const adminPath = join(folder, 'admin.sock')
  const logPath = join(folder, 'agent.log')
  const configPath = join(folder, 'agent.toml')
  const headers = {
    'content-type': 'application/json',
    // klukai refuses a request with an empty token even where it wants none.
    ...(options.bearerToken && { authorization: `Bearer ${options.bearerToken}` }),
  }

  await mkdir(join(folder, 'schemas'))
  const extraSql = (options.schemas ?? []).join(';\n')
  const extraPath = join(folder, 'schemas/extra.sql')
  await writeFile(extraPath, extraSql)
  await writeFile(
    configPath,
    `[db]
path = ${JSON.stringify(join(folder, 'corrosion.db'))}
schema_paths = ${JSON.stringify([schemaFolder, join(folder, 'schemas')])}
cache_size_kib = -32768
[gossip]
addr = "${gossipAddr}"
client_addr = "127.0.0.1:0"
bootstrap = ${JSON.stringify(options.bootstrap ?? [])}
plaintext = true
[api]
addr = "127.0.0.1:${apiPort}"
${options.bearerToken === undefined ? '' : `authz = { bearer-token = ${JSON.stringify(options.bearerToken)} }`}
[admin]
path = ${JSON.stringify(adminPath)}
[log]
colors = false
`,
  )

  let child: ChildProcess | undefined

  const start = async () => {
    if (child !== undefined) throw new Error('the agent runs already')
    const log = createWriteStream(logPath, { flags: 'a' })
    await once(log, 'open')
    child = spawn(binary, ['agent', '-c', configPath], {
      // A real agent unpacks its library there, and leaves it behind when it is killed.
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', log, log],
    })
    log.destroy()
    const started = child
    started.once('exit', () => {
      if (child === started) child = undefined
    })
    await once(started, 'spawn')
    const deadline = performance.now() + startTimeoutMs
    while (!(await isReady(url, headers)) || !(await isListening(adminPath))) {
      if (child === undefined || performance.now() > deadline) {
        await kill('SIGKILL')
        throw new Error(
          `the agent did not start:\n${(await readFile(logPath, 'utf8')).slice(-2000)}`,
        )
      }
      await delay(pollMs)
    }
  }

  const kill = async (signal: NodeJS.Signals) => {
    if (child === undefined) return
    if (signal === 'SIGSTOP' && child.pid !== undefined) return await stopProcess(child.pid)
    const ended = once(child, 'exit')
    child.kill(signal)
    if (signal !== 'SIGCONT') await ended
  }

  await start().catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  return {
    kind,
    url,
    gossipAddr,
    adminPath,
    folder,
    get pid() {
      if (child?.pid === undefined) throw new Error('the agent does not run')
      return child.pid
    },
    kill,
    start,
    async restart(signal = 'SIGTERM') {
      await kill(signal)
      await start()
    },
    log: () => readFile(logPath, 'utf8'),
    async [Symbol.asyncDispose]() {
      await kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}

// klukai opens it after its HTTP API; the file of a killed one is still there.
async function isListening(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** klukai answers before it has applied its schema files, so the answer must name a table of them. */
async function isReady(url: string, headers: Record<string, string>): Promise<boolean> {
  try {
    const response = await fetch(`${url}/v1/queries`, {
      method: 'POST',
      headers,
      body: JSON.stringify(
        "SELECT 'ready' FROM sqlite_schema WHERE name = 'node_messages__crsql_clock'",
      ),
      signal: AbortSignal.timeout(1_000),
    })
    return (await response.text()).includes('"ready"')
  } catch {
    // Not listening yet.
    return false
  }
}
