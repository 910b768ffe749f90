import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '@corroport/testing'
import { type AgentKind, addedHeaders } from './known-differences.ts'
import {
  type Answer,
  askBytes,
  encode,
  type LineFeed,
  openLines,
  type Request,
} from './raw-http.ts'

export interface AgentSettings {
  binary: string
  kind: AgentKind
  /** Gossip address, chosen beforehand so that agents can name each other. */
  gossipAddress: string
  bootstrap: readonly string[]
  bearerToken?: string
  endpointName?: string
}

/** An agent with an empty database, its own folder, and its API spoken to as bytes. */
export interface AgentProcess extends AsyncDisposable {
  readonly gossipAddress: string
  readonly adminPath: string
  readonly schemaFolder: string
  readonly api: { host: string; port: number }
  ask(request: Request | Buffer): Promise<Answer>
  /** An endless answer, line by line. */
  open(request: Request): Promise<LineFeed>
  /** The rows of one statement, each as the JSON text of its cells. Throws unless it ends well. */
  rows(sql: string, params?: readonly unknown[]): Promise<string[]>
  /** Its version; throws unless it commits. */
  transact(...statements: readonly unknown[]): Promise<number | null>
  /** Its exit code; null of a process that a signal ended. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>
  start(): Promise<void>
  /** SIGSTOP: its sockets stay open and nobody answers. */
  pause(): void
  resume(): void
  log(): Promise<string>
}

const ownSchemas = join(import.meta.dirname, '../schemas')
const startTimeoutMs = 20_000
const pollMs = 10

export async function startAgent(settings: AgentSettings): Promise<AgentProcess> {
  // Short, because the path of a Unix socket is limited to about 100 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'conf-'))
  const api = { host: '127.0.0.1', port: await freePort() }
  const adminPath = join(folder, 'admin.sock')
  const schemaFolder = join(folder, 'schemas')
  const logPath = join(folder, 'agent.log')
  const configPath = join(folder, 'agent.toml')
  const authorization =
    settings.bearerToken === undefined ? [] : [`authorization: Bearer ${settings.bearerToken}`]
  await mkdir(schemaFolder)
  await writeFile(
    configPath,
    `[db]
path = "${join(folder, 'corrosion.db')}"
schema_paths = ["${ownSchemas}", "${schemaFolder}"]
cache_size_kib = -32768
[gossip]
addr = "${settings.gossipAddress}"
client_addr = "127.0.0.1:0"
bootstrap = ${JSON.stringify(settings.bootstrap)}
plaintext = true
[api]
addr = "${api.host}:${api.port}"
${settings.endpointName === undefined ? '' : `endpoint_name = "${settings.endpointName}"`}
${settings.bearerToken === undefined ? '' : `authz = { bearer-token = "${settings.bearerToken}" }`}
[admin]
path = "${adminPath}"
[log]
colors = false
`,
  )

  let child: ChildProcess | undefined

  const agent: AgentProcess = {
    gossipAddress: settings.gossipAddress,
    adminPath,
    schemaFolder,
    api,
    async ask(request) {
      const answer = await askBytes(api, 'method' in request ? encode(api, request) : request)
      return { ...answer, headers: withoutAdded(settings.kind, answer.headers) }
    },
    async open(request) {
      const feed = await openLines(api, request)
      return { ...feed, headers: withoutAdded(settings.kind, feed.headers) }
    },
    async rows(sql, params = []) {
      const answer = await agent.ask(post('/v1/queries', [sql, params], authorization))
      const lines = answer.body.trimEnd().split('\n')
      if (!lines.at(-1)?.startsWith('{"eoq"')) {
        throw new Error(`${sql} was answered with ${answer.status} ${answer.body}`)
      }
      return lines.slice(1, -1).map((line) => line.replace(/^\{"row":\[\d+,/, '').slice(0, -2))
    },
    async transact(...statements) {
      const answer = await agent.ask(post('/v1/transactions', statements, authorization))
      if (answer.status !== 200) {
        throw new Error(`${JSON.stringify(statements)} was answered with ${answer.body}`)
      }
      const version = /"version":(\d+)/.exec(answer.body)?.[1]
      return version === undefined ? null : Number(version)
    },
    async start() {
      if (child !== undefined) throw new Error('the agent runs already')
      const log = createWriteStream(logPath, { flags: 'a' })
      await once(log, 'open')
      const started = spawn(settings.binary, ['agent', '-c', configPath], {
        stdio: ['ignore', log, log],
      })
      log.destroy()
      child = started
      started.once('exit', () => {
        if (child === started) child = undefined
      })
      await once(started, 'spawn')
      const deadline = performance.now() + startTimeoutMs
      while (!(await isReady(agent))) {
        if (child === undefined || performance.now() > deadline) {
          await agent.kill('SIGKILL')
          throw new Error(`the agent did not start:\n${(await agent.log()).slice(-2000)}`)
        }
        await wait(pollMs)
      }
    },
    async kill(signal) {
      if (child === undefined) return null
      const ended = once(child, 'exit')
      child.kill(signal)
      const [code]: (number | null)[] = await ended
      return code ?? null
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    log: () => readFile(logPath, 'utf8'),
    async [Symbol.asyncDispose]() {
      await agent.kill('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }

  await agent.start().catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true })
    throw error
  })
  return agent
}

/** What an agent adds everywhere is checked here, so that it need not be listed for every case. */
function withoutAdded(kind: AgentKind, headers: Answer['headers']): Answer['headers'] {
  const added = addedHeaders[kind] ?? []
  const isAdded = ([name, value]: readonly [string, string]) =>
    added.some((header) => header.name === name && header.value === value)
  const missing = added.filter(({ name }) => !headers.some(([other]) => other === name))
  return [
    ...headers.filter((header) => !isAdded(header)),
    ...missing.map(({ name }) => [name, 'listed as added, and missing'] as const),
  ]
}

export function post(path: string, body?: unknown, headers: readonly string[] = []): Request {
  return {
    method: 'POST',
    path,
    headers: ['content-type: application/json', ...headers],
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }
}

/** An agent may answer before it has applied its schema files; the last table of them must be there. */
async function isReady(agent: AgentProcess): Promise<boolean> {
  try {
    const tables = await agent.rows(
      "SELECT 1 FROM sqlite_schema WHERE name = 'keys_only__crsql_clock'",
    )
    return tables.length === 1
  } catch {
    // Not listening yet.
    return false
  }
}
