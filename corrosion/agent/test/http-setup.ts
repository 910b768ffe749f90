import { readdirSync, readFileSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createTemporaryFolder } from '@corroport/testing'
import { createClock } from '../src/clock.ts'
import { type HttpApiOptions, startHttpApi } from '../src/http/http-api.ts'
import { createLog } from '../src/log.ts'
import { openStore } from '../src/store/open-store.ts'
import { openStreams } from '../src/streams/streams.ts'

const schemas = join(import.meta.dirname, '../../schemas')

export interface Asked {
  method?: string
  path: string
  body?: unknown
  /** Instead of `body`, sent as it is. */
  rawBody?: string | Uint8Array
  headers?: Record<string, string>
  /** Sends no content type. */
  isUntyped?: boolean
  signal?: AbortSignal
}

export interface Answered {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface HttpSetup extends AsyncDisposable {
  readonly port: number
  readonly logged: readonly string[]
  ask(asked: Asked): Promise<Answered>
  /** Resolves with the head; the body is not read yet. */
  open(asked: Asked): Promise<IncomingMessage>
  query(sql: unknown, path?: string): Promise<Answered>
  transact(...statements: unknown[]): Promise<Answered>
  close(): Promise<void>
}

/** An HTTP API on a new store with the project's tables. */
export async function setUpHttp(options: Partial<HttpApiOptions> = {}): Promise<HttpSetup> {
  const temporary = createTemporaryFolder()
  const clock = createClock()
  const logged: string[] = []
  const log = createLog({ format: 'plaintext', level: 'warn', write: (line) => logged.push(line) })
  const store = openStore({ path: join(temporary.path, 'corrosion.db'), now: () => clock.now() })
  for (const name of readdirSync(schemas)) {
    // As the recorded agents had it.
    const sql = readFileSync(join(schemas, name), 'utf8')
      .replace("DEFAULT 'no_id'", "DEFAULT ''")
      .replace(/,\s*traceparent.*/, '')
    store.applySchema(sql)
  }
  const folder = join(temporary.path, 'subscriptions')
  const streams = openStreams({ store, folder, log, timing: { flushMs: 30 } })
  const api = await startHttpApi({
    addresses: [{ host: '127.0.0.1', port: 0 }],
    store,
    streams,
    health: { members: () => 0, p99LagSeconds: () => undefined, queueSize: () => 0 },
    log,
    ...options,
  })
  const port = api.addresses[0]?.port ?? 0
  const connections = new Agent({ keepAlive: true })
  const open = (asked: Asked) => openRequest(port, connections, asked)
  const ask = async (asked: Asked) => {
    const response = await open(asked)
    const { statusCode = 0, headers } = response
    return { status: statusCode, headers, body: await text(response) }
  }
  let isClosed = false
  const close = async () => {
    if (isClosed) return
    isClosed = true
    await api.close()
  }
  return {
    port,
    logged,
    ask,
    open,
    query: (sql, path = '/v1/queries') => ask({ path, body: sql }),
    transact: (...statements) => ask({ path: '/v1/transactions', body: statements }),
    close,
    async [Symbol.asyncDispose]() {
      connections.destroy()
      await close()
      streams.close()
      store[Symbol.dispose]()
      temporary[Symbol.dispose]()
    },
  }
}

function openRequest(
  port: number,
  agent: Agent,
  { method = 'POST', path, body, rawBody, headers = {}, isUntyped = false, signal }: Asked,
): Promise<IncomingMessage> {
  const payload = rawBody ?? (body === undefined ? undefined : JSON.stringify(body))
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const type = payload === undefined || isUntyped ? {} : { 'content-type': 'application/json' }
  const sent = request(
    { port, host: '127.0.0.1', method, path, agent, headers: { ...type, ...headers }, signal },
    resolve,
  )
  sent.on('error', reject)
  sent.end(payload)
  return promise
}
