import { Client, type Dispatcher, errors, Pool } from 'undici'
import { isObject } from './decode.ts'
import { CorrosionBusyError, CorrosionConnectionError, CorrosionResponseError } from './errors.ts'
import { parseJson } from './json.ts'

export interface AgentAddress {
  url: string
  bearerToken?: string | undefined
}

export interface AgentRequest {
  method: 'GET' | 'POST'
  path: string
  /** JSON text. */
  body?: string
  signal?: AbortSignal | undefined
  /** For the whole answer. Streams have none. */
  timeoutMs?: number
  /** May go over a connection that the agent might just be closing. */
  isRead?: boolean
}

export interface AgentResponse {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Dispatcher.ResponseData['body']
  /** What to throw when reading the body failed: the caller's own abort as it is, else ours. */
  explain(error: unknown): unknown
}

/** Sends requests to one agent. `send` is for bounded answers, `open` for streams. */
export interface Transport extends AsyncDisposable {
  send(request: AgentRequest): Promise<AgentResponse>
  /** A stream on a connection of its own, which ends with it. */
  open(request: AgentRequest): Promise<AgentResponse>
}

const connectTimeoutMs = 3_000
const streamHeadTimeoutMs = 15_000
const connections = 16
const restMs = 60
const keepAliveMs = 30_000

export function createTransport({ url, bearerToken }: AgentAddress): Transport {
  const { origin, pathname, search } = new URL(url)
  if (pathname !== '/' || search !== '') throw new Error(`${url} has a path; give only the origin`)
  // TCP keep-alive finds a dead host behind a silent stream; nothing else on the wire does.
  const connect = { timeout: connectTimeoutMs, keepAlive: true, keepAliveInitialDelay: 5_000 }
  const pool = new Pool(origin, {
    connections,
    connect,
    // A connection for each request: klukai writes an answer in two pieces and leaves Nagle's
    // algorithm on, so on a kept connection the second piece waits 40 ms for the delayed ACK.
    pipelining: 0,
    // Each request is bounded by its own deadline instead.
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  })
  // Saves a lone read half a millisecond. Linux does not delay an ACK on a connection that rests
  // longer than that delay (40 ms) before each request.
  const rested = new Client(origin, {
    connect,
    keepAliveTimeout: keepAliveMs,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
  })
  let restedAt = 0
  const streams = new Set<Client>()
  const headers = {
    'content-type': 'application/json',
    ...(bearerToken === undefined ? {} : { authorization: `Bearer ${bearerToken}` }),
  }

  const request = async (
    dispatcher: Dispatcher,
    { method, path, body, signal, timeoutMs }: AgentRequest,
  ): Promise<AgentResponse> => {
    const deadline = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs)
    const signals = [signal, deadline].filter((each) => each !== undefined)
    const explain = (error: unknown): unknown => {
      if (signal?.aborted) return signal.reason
      const what = `${method} ${path}`
      if (deadline?.aborted) {
        return new CorrosionConnectionError(`${what}: no answer in ${timeoutMs} ms`, 'unknown')
      }
      const outcome = isNotSent(error) ? 'not-sent' : 'unknown'
      return new CorrosionConnectionError(`${what}: ${describe(error)}`, outcome, error)
    }
    try {
      const response = await dispatcher.request({
        method,
        path,
        headers,
        body: body ?? null,
        signal: signals.length === 0 ? null : AbortSignal.any(signals),
      })
      return { status: response.statusCode, headers: response.headers, body: response.body, explain }
    } catch (error) {
      throw explain(error)
    }
  }

  return {
    async send(options) {
      if (!options.isRead || performance.now() < restedAt) return request(pool, options)
      restedAt = Infinity
      const rest = () => {
        restedAt = performance.now() + restMs
      }
      try {
        const response = await request(rested, options)
        response.body.once('close', rest)
        return response
      } catch (error) {
        rest()
        throw error
      }
    },
    async open(options) {
      const client = new Client(origin, {
        connect,
        headersTimeout: streamHeadTimeoutMs,
        bodyTimeout: 0,
        pipelining: 0,
        allowH2: false,
      })
      streams.add(client)
      client.once('disconnect', () => {
        streams.delete(client)
        void client.destroy()
      })
      try {
        return await request(client, options)
      } catch (error) {
        streams.delete(client)
        await client.destroy()
        throw error
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([pool.destroy(), rested.destroy(), ...[...streams].map((client) => client.destroy())])
    },
  }
}

/** Whether an error came up before anything was written to the agent. */
function isNotSent(error: unknown): boolean {
  if (error instanceof errors.ConnectTimeoutError) return true
  if (!(error instanceof Error)) return false
  const { syscall } = error as NodeJS.ErrnoException
  // Several addresses of one name (localhost) fail together.
  if (error instanceof AggregateError) return error.errors.every(isNotSent)
  return syscall === 'connect' || syscall === 'getaddrinfo'
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, message } = error as NodeJS.ErrnoException
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`
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
