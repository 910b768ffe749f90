import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Address } from '../gossip/address.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import type { Streams } from '../streams/streams.ts'
import type { Answer } from './answer.ts'
import { type Call, RefusedCallError } from './call.ts'
import { createGuard } from './guard.ts'
import { answerHealth, type HealthSource } from './health.ts'
import { answerQuery } from './queries.ts'
import { startReaderPool } from './reader-pool.ts'
import { answerResumption, answerSubscription, answerUpdates } from './streams.ts'
import { answerTableStats } from './table-stats.ts'
import { answerTransaction } from './transactions.ts'

export interface HttpApiOptions {
  addresses: readonly Address[]
  bearerToken?: string
  /** Requests that ask for another name are refused. */
  endpointName?: string
  store: Store
  streams: Streams
  health: HealthSource
  log: Log
}

export interface HttpApi {
  /** Where it listens; with the port that was got for port 0. */
  addresses: readonly Address[]
  close(): Promise<void>
}

interface Route {
  method: 'GET' | 'POST'
  /** Ends in a slash where a name follows. */
  path: string
  /** How many requests may wait for the head of their answer. */
  limit: number
  answer: (call: Call) => Promise<Answer>
}

interface Traffic {
  /** Answers that do not end by themselves. */
  live: Set<ServerResponse>
  /** No connection is kept after its answer. */
  isEnding: boolean
}

const serverHeader = 'corroport-development-agent'
const graceMs = 2000

/** Corrosion's HTTP API. Resolves when all addresses listen; rejects when one is taken. */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const { store, streams, health, log } = options
  const readers = startReaderPool({ path: store.path, actorId: store.actorId, log })
  const routes: Route[] = [
    {
      method: 'POST',
      path: '/v1/transactions',
      limit: 128,
      answer: (call) => answerTransaction(call, { store, log }),
    },
    {
      method: 'POST',
      path: '/v1/queries',
      limit: 128,
      answer: (call) => answerQuery(call, readers),
    },
    {
      method: 'POST',
      path: '/v1/subscriptions',
      limit: 128,
      answer: (call) => answerSubscription(call, streams),
    },
    {
      method: 'GET',
      path: '/v1/subscriptions/',
      limit: 128,
      answer: (call) => answerResumption(call, streams),
    },
    {
      method: 'POST',
      path: '/v1/updates/',
      limit: 128,
      answer: (call) => answerUpdates(call, streams),
    },
    {
      method: 'POST',
      path: '/v1/table_stats',
      limit: 4,
      answer: (call) => answerTableStats(call, readers),
    },
    {
      method: 'GET',
      path: '/v1/health',
      limit: 4,
      answer: (call) => answerHealth(call, { store, health }),
    },
  ]
  const traffic: Traffic = { live: new Set(), isEnding: false }
  const respond = createResponder(routes, traffic, options)
  const servers: Server[] = []
  const close = async () => {
    traffic.isEnding = true
    const closed = servers.map(closeServer)
    // To a client it is the end of the body, not a broken connection.
    for (const response of traffic.live) response.end(() => response.req.socket.end())
    await Promise.all(closed)
    await readers.close()
  }
  try {
    for (const { host, port } of options.addresses) servers.push(await listen(respond, host, port))
  } catch (error) {
    await close()
    throw error
  }
  return { addresses: servers.map(addressOf), close }
}

type Responder = (request: IncomingMessage, response: ServerResponse) => Promise<void>

function createResponder(
  routes: readonly Route[],
  traffic: Traffic,
  { bearerToken, endpointName, log }: HttpApiOptions,
): Responder {
  const refuse = createGuard({ bearerToken, endpointName })
  const inUse = new Map(routes.map((route) => [route, 0]))

  const answerFor = async (request: IncomingMessage, response: ServerResponse): Promise<Answer> => {
    const [path = '', search = ''] = targetOf(request)
    const route = routes.find((each) => isAt(each, path))
    const isAllowed = route !== undefined && isFor(route, request.method)
    const allow: Answer['headers'] =
      route && !isAllowed ? { allow: route.method === 'GET' ? 'GET,HEAD' : 'POST' } : {}
    const refusal = refuse(request.headers)
    if (refusal) return { ...refusal, headers: { ...refusal.headers, ...allow } }
    if (!route) return { status: 404 }
    if (!isAllowed) return { status: 405, headers: allow }
    const count = inUse.get(route) ?? 0
    if (count >= route.limit) return plainText(503, 'max concurrency limit reached')
    inUse.set(route, count + 1)
    try {
      const tail = path.slice(route.path.length)
      return await route.answer({ request, tail, search, gone: goneSignal(response) })
    } catch (error) {
      if (error instanceof RefusedCallError) return plainText(error.status, error.message)
      throw error
    } finally {
      inUse.set(route, (inUse.get(route) ?? 1) - 1)
    }
  }

  return async (request, response) => {
    try {
      await send(await answerFor(request, response), response, traffic)
      // What was not read of the body is in the way of the next request.
      request.resume()
    } catch (error) {
      // That a client has gone, or that a stream is ended, is no news.
      if (!response.destroyed && !response.writableEnded) {
        log.error('request failed', { url: request.url, error })
        response.destroy()
      }
    }
    if (traffic.isEnding) request.socket.end()
  }
}

function isAt({ path }: Route, asked: string): boolean {
  if (!path.endsWith('/')) return asked === path
  return asked.startsWith(path) && asked.length > path.length && !asked.includes('/', path.length)
}

function isFor({ method }: Route, asked: string | undefined): boolean {
  return asked === method || (asked === 'HEAD' && method === 'GET')
}

/** Path and query. */
function targetOf({ url = '' }: IncomingMessage): string[] {
  const target = url.replace(/^https?:\/\/[^/?#]*/i, '').replace(/#.*$/s, '')
  const mark = target.indexOf('?')
  return mark === -1 ? [target] : [target.slice(0, mark), target.slice(mark + 1)]
}

function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController()
  response.once('close', () => {
    // With a reason of its own, an exception with a stack is not made for each request.
    controller.abort('gone')
  })
  return controller.signal
}

async function send(
  { status, headers, body = '' }: Answer,
  response: ServerResponse,
  { live }: Traffic,
): Promise<void> {
  response.sendDate = false
  // HTTP/1.1 keeps it anyway, and the real agent does not say so.
  if (response.shouldKeepAlive) response.removeHeader('connection')
  const head = { server: serverHeader, ...headers }
  if (typeof body === 'string') {
    response.writeHead(status, { ...head, 'content-length': Buffer.byteLength(body) })
    response.end(body)
    return
  }
  response.writeHead(status, head)
  if (response.req.method === 'HEAD') {
    response.end()
    return
  }
  if (!(body instanceof Readable)) {
    live.add(response)
    response.once('close', () => live.delete(response))
    response.flushHeaders()
  }
  await pipeline(body, response)
}

function plainText(status: number, body: string): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body }
}

async function listen(respond: Responder, host: string, port: number): Promise<Server> {
  const server = createServer(
    // An agent closes no connection and no upload for being slow.
    { keepAliveTimeout: 0, requestTimeout: 0, requireHostHeader: false, noDelay: true },
    (request, response) => void respond(request, response),
  )
  server.on('clientError', (_error, socket) => {
    const head = `HTTP/1.1 400 Bad Request\r\nserver: ${serverHeader}\r\ncontent-length: 0\r\n`
    if (socket.writable) socket.end(`${head}connection: close\r\n\r\n`)
    else socket.destroy()
  })
  server.listen(port, host)
  await once(server, 'listening')
  return server
}

/** Answers that are being made may be finished. */
async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  const timer = setTimeout(() => {
    server.closeAllConnections()
  }, graceMs)
  await closed
  clearTimeout(timer)
}

function addressOf(server: Server): Address {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('unreachable: no address')
  return { host: address.address, port: address.port }
}
