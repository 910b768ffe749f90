import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { isObject } from './decode.ts'
import {
  CorrosionBusyError,
  CorrosionConnectionError,
  CorrosionResponseError,
  describeError,
} from './errors.ts'
import { parseJson } from './json.ts'
import { createSpareConnection } from './spare-connection.ts'

export interface AgentAddress {
  url: string
  bearerToken?: string | undefined
}

export interface AgentRequest {
  method: 'GET' | 'POST'
  path: string
  /** JSON text. */
  body?: string
  /** Nothing comes of it twice, so it may be sent over a connection that may be dead. */
  isRead?: boolean
  signal?: AbortSignal | undefined
}

export interface AgentResponse {
  status: number
  headers: IncomingMessage['headers']
  body: IncomingMessage
  /** What to throw when reading the body failed: the caller's own abort as it is, else ours. */
  explain(error: unknown): unknown
}

/** Sends requests to one agent, each on a connection of its own. */
export interface Transport extends AsyncDisposable {
  /** For bounded answers: `timeoutMs` is from here to the last byte. */
  send(request: AgentRequest, timeoutMs: number): Promise<AgentResponse>
  /** For streams: only their beginning is bounded. */
  open(request: AgentRequest): Promise<AgentResponse>
}

const streamHeadTimeoutMs = 10_000
const tcpKeepAliveMs = 5_000
// The agent refuses a kind of request above 128 at once.
const maxConnections = 32

export function createTransport({ url, bearerToken }: AgentAddress): Transport {
  const { protocol, hostname, port, pathname, search } = new URL(url)
  if (protocol !== 'http:') throw new Error(`an agent speaks http, not ${url}`)
  if (pathname !== '/' || search !== '') throw new Error(`${url} has a path; give only the origin`)
  // klukai writes an answer in two pieces and leaves Nagle's algorithm on: the second waits for the
  // ACK of the first, which is delayed by 40 ms on a connection with one request after the other.
  // A new connection costs 0.2 ms, which reads are spared by one that is open before.
  const host = hostname.replace(/^\[|\]$/g, '') // brackets of an IPv6 address belong to the URL
  const portNumber = port === '' ? 80 : Number(port)
  const spare = createSpareConnection(host, portNumber)
  const agent = new Agent({ keepAlive: false, maxSockets: maxConnections })
  const requests = new Set<ClientRequest>()

  const exchange = (
    { method, path, body, signal }: AgentRequest,
    { timeoutMs, isStream, socket }: { timeoutMs: number; isStream: boolean; socket?: Socket },
  ): Promise<AgentResponse> => {
    signal?.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<AgentResponse>()
    let isTimedOut = false
    let isConnected = socket !== undefined
    const explain = (error: unknown): unknown => {
      if (signal?.aborted) return signal.reason
      const why = isTimedOut ? `no answer in ${timeoutMs} ms` : describeError(error)
      const outcome = isConnected ? 'unknown' : 'not-sent'
      return new CorrosionConnectionError(`${method} ${path}: ${why}`, outcome, error)
    }
    const request = httpRequest({
      method,
      host,
      port: portNumber,
      path,
      ...(socket ? { createConnection: () => socket } : { agent: isStream ? false : agent }),
      headers: {
        'content-type': 'application/json',
        ...(bearerToken === undefined ? {} : { authorization: `Bearer ${bearerToken}` }),
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
      },
    })
    const abort = () => request.destroy()
    const timer = setTimeout(() => {
      isTimedOut = true
      request.destroy()
    }, timeoutMs)
    signal?.addEventListener('abort', abort)
    requests.add(request)
    request.once('socket', (used) => {
      // Nothing but this finds a dead host behind a silent stream.
      used.setKeepAlive(true, tcpKeepAliveMs)
      used.once('connect', () => {
        isConnected = true
      })
    })
    request.once('response', (response) => {
      if (isStream) clearTimeout(timer)
      const { statusCode = 0, headers } = response
      resolve({ status: statusCode, headers, body: response, explain })
    })
    request.on('error', (error) => {
      const isStale = socket !== undefined && !isTimedOut && !signal?.aborted
      reject(isStale ? new StaleConnectionError() : explain(error))
    })
    request.once('close', () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      requests.delete(request)
    })
    request.end(body)
    return promise
  }

  return {
    async send(request, timeoutMs) {
      const socket = request.isRead ? spare.take() : undefined
      if (socket) {
        try {
          return await exchange(request, { timeoutMs, isStream: false, socket })
        } catch (error) {
          // It was closed while it waited: once more, over a new one.
          if (!(error instanceof StaleConnectionError)) throw error
        }
      }
      return await exchange(request, { timeoutMs, isStream: false })
    },
    open: (request) => exchange(request, { timeoutMs: streamHeadTimeoutMs, isStream: true }),
    [Symbol.asyncDispose]() {
      for (const request of requests) request.destroy(new Error('the client is closed'))
      agent.destroy()
      spare[Symbol.dispose]()
      return Promise.resolve()
    },
  }
}

class StaleConnectionError extends Error {
  override name = 'StaleConnectionError'
}

const maxErrorBytes = 64 * 1024

/** The error that a status other than 200 stands for. Error bodies are JSON or plain text. */
export async function responseError(
  response: AgentResponse,
  request: string,
): Promise<CorrosionResponseError> {
  const message = agentMessage(await readBounded(response.body))
  const ErrorClass = response.status === 503 ? CorrosionBusyError : CorrosionResponseError
  return new ErrorClass(response.status, message, request)
}

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxErrorBytes) break
  }
  return Buffer.concat(chunks).subarray(0, maxErrorBytes).toString()
}

/** `{"error":…}`, `{"results":[{"error":…}]}`, the JSON text `"Error: …"`, or plain text. */
export function agentMessage(body: string): string {
  let value: unknown
  try {
    value = parseJson(body)
  } catch {
    // Plain text is one of the forms, so what does not parse is the message itself.
    return body.trim()
  }
  if (typeof value === 'string') return value.replace(/^Error: /, '')
  if (!isObject(value)) return body
  if (typeof value.error === 'string') return value.error
  const first: unknown = Array.isArray(value.results) ? value.results[0] : undefined
  return isObject(first) && typeof first.error === 'string' ? first.error : body
}
