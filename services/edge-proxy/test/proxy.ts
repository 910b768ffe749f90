// An edge proxy in this process, in front of backends that say who they are.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Bus } from '@corroport/bus'
import { createHealth, createMetrics } from '@corroport/service'
import { createTemporaryFolder, until } from '@corroport/testing'
import { pino } from 'pino'
import type { Registry } from 'prom-client'
import { readConfig } from '../src/config.ts'
import { type EdgeProxy, startEdgeProxy } from '../src/service.ts'
import { writeProxyHeader } from '../src/wire/proxy-protocol.ts'

/** Addresses of the database that comes along. */
export const clientIn = {
  BR: '200.160.2.3',
  US: '8.8.8.8',
  DE: '5.9.0.1',
  FR: '80.10.0.1',
  JP: '133.11.0.1',
} as const

export interface NamedBackend extends AsyncDisposable {
  readonly name: string
  readonly port: number
  readonly open: ReadonlySet<Socket>
  /** Refuses from now on, and breaks off what is open. */
  kill(): Promise<void>
  revive(): Promise<void>
}

/** Says its name to each who connects, then gives back what it is sent. */
export async function startBackend(name: string): Promise<NamedBackend> {
  const open = new Set<Socket>()
  const serve = (socket: Socket): void => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => undefined)
    socket.write(`${name}\n`)
    socket.pipe(socket)
  }
  let server: Server | undefined = createServer({ allowHalfOpen: true }, serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const { port } = address
  const kill = async (): Promise<void> => {
    for (const socket of open) socket.resetAndDestroy()
    if (!server) return
    server.close()
    await once(server, 'close')
    server = undefined
  }
  return {
    name,
    port,
    open,
    kill,
    async revive() {
      server = createServer({ allowHalfOpen: true }, serve)
      server.listen(port, '127.0.0.1')
      await once(server, 'listening')
    },
    [Symbol.asyncDispose]: kill,
  }
}

export type Row = Readonly<Record<string, string | number | null>>

/** A file with the table of the schema that is shipped. */
export function createTableFile(path: string): { set(rows: readonly Row[]): void } {
  const schema = join(import.meta.dirname, '../../../corrosion/schemas/backends.sql')
  using db = new DatabaseSync(path)
  db.exec(readFileSync(schema, 'utf8'))
  return {
    set(rows) {
      using file = new DatabaseSync(path)
      file.exec('BEGIN')
      file.exec('DELETE FROM backends')
      for (const row of rows) {
        const columns = Object.keys(row)
        const places = columns.map(() => '?').join(', ')
        file
          .prepare(`INSERT INTO backends (${columns.join(', ')}) VALUES (${places})`)
          .run(...Object.values(row))
      }
      file.exec('COMMIT')
    },
  }
}

interface Reaching {
  /** As a header of the PROXY protocol says. */
  from?: string
  /** In the order of the configuration. */
  listener?: number
}

export interface ProxyUnderTest extends AsyncDisposable {
  readonly proxy: EdgeProxy
  readonly metrics: Registry
  /** What it said in its log that is not as it should be. */
  readonly warnings: readonly { msg: string; reason?: string }[]
  /** Of a metric, all its samples together, or those with these labels. */
  metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>
  connect: (options?: Reaching) => Promise<Socket>
  /** The name that the backend says; undefined when the connection was broken off. */
  ask: (options?: Reaching) => Promise<string | undefined>
}

/** Reads a file of its own. Listens with `EDGEPROXY_PROXY_PROTOCOL_IN` unless told otherwise. */
export async function startProxy(
  rows: readonly Row[],
  environment: Readonly<Record<string, string>> = {},
  bus?: Bus,
) {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(createTemporaryFolder())
  const path = join(folder.path, 'routing.db')
  const file = createTableFile(path)
  file.set(rows)
  const under = stack.use(
    await start(
      {
        EDGEPROXY_DB_PATH: path,
        EDGEPROXY_DB_RELOAD_SECS: '0.1',
        EDGEPROXY_PROXY_PROTOCOL_IN: 'true',
        ...environment,
      },
      bus,
    ),
  )
  const known = (count: number) =>
    until(async () => (await under.metric('edgeproxy_backends')) === count)
  await known(rows.filter(({ deleted }) => deleted !== 1).length)
  const rest = stack.move()
  return {
    ...under,
    /** Writes the table, and resolves when the proxy has read it. */
    set: async (next: readonly Row[]): Promise<void> => {
      // Told apart from what was there by a row that is only counted.
      const marker = `marker-${Math.random()}`
      file.set([...next, { id: marker, app: 'x', region: marker }])
      await known(next.length + 1)
      file.set(next)
      await known(next.length)
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}

export async function start(
  environment: Readonly<Record<string, string>>,
  bus?: Bus,
): Promise<ProxyUnderTest> {
  const settings = {
    NODE_ID: 'pop1',
    EDGEPROXY_LISTEN_ADDR: '127.0.0.1:0',
    EDGEPROXY_API_LISTEN_ADDR: '127.0.0.1:0',
    EDGEPROXY_ALLOWED_BACKENDS: '127.0.0.0/8',
    EDGEPROXY_WORKERS: '2',
    EDGEPROXY_HEALTH_CHECK_ENABLED: 'false',
    EDGEPROXY_BINDING_TTL_SECS: '0',
    EDGEPROXY_SHUTDOWN_TIMEOUT_SECS: '0',
    ...environment,
  }
  const config = readConfig(settings)
  const metrics = createMetrics()
  const warnings: { msg: string; reason?: string }[] = []
  const log = pino({ level: 'warn' }, { write: (line) => void warnings.push(JSON.parse(line)) })
  const health = createHealth('edge-proxy', config.nodeId)
  const proxy = await startEdgeProxy(config, { bus, log, health, metrics })

  const reach = async ({ from, listener = 0 }: Reaching = {}): Promise<Socket> => {
    const port = proxy.ports[listener] ?? 0
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    socket.on('error', () => undefined)
    // It may be broken off before it is told that it was open.
    await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
    if (config.listeners.some(({ hasProxyHeader }) => hasProxyHeader)) {
      const source = { address: from ?? '10.0.0.1', port: 4000 }
      socket.write(writeProxyHeader(source, { address: '127.0.0.1', port }))
    }
    return socket
  }
  return {
    proxy,
    metrics,
    warnings,
    async metric(name, labels = {}) {
      const { values } = (await metrics.getSingleMetric(name)?.get()) ?? { values: [] }
      return values
        .filter((sample) =>
          Object.entries(labels).every(([label, value]) => String(sample.labels[label]) === value),
        )
        .reduce((sum, { value }) => sum + value, 0)
    },
    connect: reach,
    async ask(options) {
      const socket = await reach(options)
      const name = await firstLine(socket)
      socket.destroy()
      return name
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  }
}

/** Undefined when the connection ends before. */
export async function firstLine(socket: Socket): Promise<string | undefined> {
  let text = ''
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      text += String(chunk)
      if (text.includes('\n')) return text.slice(0, text.indexOf('\n'))
    }
  } catch {
    // Broken off.
  }
  return undefined
}

/** A row for a backend of this machine. */
export function rowOf({ name, port }: NamedBackend, more: Row = {}): Row {
  return { id: name, app: 'web', region: 'eu', wg_ip: '127.0.0.1', port, ...more }
}

export interface Answer {
  status: number
  body: unknown
}

/** A proxy beside an agent, with its API. */
export async function startAtAgent(
  agent: { url: string },
  environment: Readonly<Record<string, string>> = {},
) {
  const under = await start({
    AGENT_URL: agent.url,
    EDGEPROXY_PROXY_PROTOCOL_IN: 'false',
    ...environment,
  })
  await until(async () => (await under.metric('edgeproxy_table_live')) === 1)
  const send = async (request: {
    method: string
    path: string
    text?: string
    headers?: Record<string, string>
  }): Promise<Answer> => {
    const { method, path, text, headers = {} } = request
    const url = `http://127.0.0.1:${under.proxy.apiPort}${path}`
    const response = await fetch(url, {
      method,
      headers,
      ...(text !== undefined && { body: text }),
    })
    return { status: response.status, body: await response.json() }
  }
  const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
    send(
      body === undefined
        ? { method, path }
        : {
            method,
            path,
            text: JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
          },
    )
  return { ...under, send, call }
}
