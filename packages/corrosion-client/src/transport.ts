import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { isObject } from './decode.ts'
import {
  CorrosionBusyError,
  CorrosionConnectionError,
  CorrosionProtocolError,
  CorrosionResponseError,
  describeError,
} from './errors.ts'
import { exchange } from './http-exchange.ts'
import type { ResponseHead, ResponseParts } from './http-response.ts'
import { parseJson } from './json.ts'
import { createSpareConnection } from './spare-connection.ts'

export interface AgentAddress {
  url: string
  bearerToken?: string | undefined
}

export interface AgentRequest {
  method: 'GET' | 'POST'
  /** Encoded: it is sent as it is. */
  path: string
  /** What it is called when it is refused. */
  name: string
  /** JSON text. */
  body?: string
  /** Nothing comes of it twice, so it may be sent over a connection that may be dead. */
  isRead?: boolean
  /** An answer with another status than 200 is an answer too, not an error. */
  takesAnyStatus?: boolean
  signal?: AbortSignal | undefined
}

/** Makes a value of a body. What it throws is what the request rejects with. */
export interface AnswerReader<T> {
  /** The value as soon as it is whole; the rest of the body is not read then. */
  push(bytes: Uint8Array): T | undefined
  /** The body has ended. */
  end(): T
}

export interface AgentStream extends ResponseHead {
  body: Readable
  /** What to throw when reading the body failed: the caller's own abort as it is, else ours. */
  explain(error: unknown): unknown
}

/** Sends requests to one agent, each on a connection of its own. */
export interface Transport extends AsyncDisposable {
  /** `timeoutMs` is from here to the last byte. */
  send<T>(
    request: AgentRequest,
    timeoutMs: number,
    createReader: (status: number) => AnswerReader<T>,
  ): Promise<T>
  /** The body as it comes. Without `timeoutMs` it is endless, and only its beginning is bounded. */
  open(request: AgentRequest, timeoutMs?: number): Promise<AgentStream>
}

const streamHeadTimeoutMs = 10_000
const keepAlive = { keepAlive: true, keepAliveInitialDelay: 5_000 }
// The agent refuses a kind of request above 128 at once.
const maxConnections = 32
const maxErrorBytes = 64 * 1024

interface Receiver extends ResponseParts {
  failed(error: unknown): void
}

interface Conversation {
  /** Ends it without a word. */
  leave(): void
  pause(): void
  resume(): void
  explain(error: unknown): unknown
}

// On bare sockets: node:http adds 0.5 ms to a read that the agent answers in 0.8 ms.
export function createTransport({ url, bearerToken }: AgentAddress): Transport {
  const { protocol, host, hostname, port, pathname, search } = new URL(url)
  if (protocol !== 'http:') throw new Error(`an agent speaks http, not ${url}`)
  if (pathname !== '/' || search !== '') throw new Error(`${url} has a path; give only the origin`)
  if (bearerToken !== undefined && !/^[\x20-\x7e]*$/.test(bearerToken)) {
    throw new Error('the bearer token has a character that a header may not have')
  }
  const address = {
    host: hostname.replace(/^\[|\]$/g, ''), // brackets of an IPv6 address belong to the URL
    port: port === '' ? 80 : Number(port),
    noDelay: true,
  }
  const headers = [
    `host: ${host}`,
    'connection: close',
    'content-type: application/json',
    ...(bearerToken === undefined ? [] : [`authorization: Bearer ${bearerToken}`]),
  ].join('\r\n')
  // klukai writes an answer in two pieces and leaves Nagle's algorithm on: the second waits for the
  // ACK of the first, which is delayed by 40 ms on a connection with one request after the other.
  // A new connection costs 0.2 ms, which reads are spared by one that is open before.
  const spare = createSpareConnection(address)
  const open = new Set<(error: unknown) => void>()
  const waiting = new Set<() => void>()
  let connections = 0

  const converse = (
    { method, path, name, body = '', isRead, takesAnyStatus, signal }: AgentRequest,
    { timeoutMs, isEndless }: { timeoutMs: number; isEndless: boolean },
    receiver: Receiver,
  ): Conversation => {
    const length = Buffer.byteLength(body)
    const text = `${method} ${path} HTTP/1.1\r\n${headers}\r\ncontent-length: ${length}\r\n\r\n${body}`
    let socket: Socket | undefined
    let isConnected = false
    let isOver = false
    let refusal: Refusal | undefined

    const explain = (error: unknown): unknown => {
      if (signal?.aborted) return signal.reason
      if (error instanceof CorrosionProtocolError || error instanceof CorrosionResponseError) {
        return error
      }
      const outcome = isConnected ? 'unknown' : 'not-sent'
      const message = `${method} ${path}: ${describeError(error)}`
      return new CorrosionConnectionError(message, outcome, error)
    }
    const leave = () => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      open.delete(fail)
      waiting.delete(begin)
      socket?.destroy()
      if (isRead) spare.fill()
      if (socket === undefined || isEndless) return
      connections--
      const [next] = waiting
      next?.()
    }
    const fail = (error: unknown) => {
      if (isOver) return
      leave()
      receiver.failed(error)
    }
    const abort = () => fail(signal?.reason)
    const timer = setTimeout(() => fail(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs)

    const sendOver = (used: Socket, isSpare: boolean) => {
      socket = used
      isConnected = used.readyState === 'open'
      exchange(used, text, {
        connected() {
          isConnected = true
        },
        head(head) {
          if (isEndless) clearTimeout(timer)
          if (head.status === 200 || takesAnyStatus) receiver.head(head)
          else refusal = { status: head.status, name, chunks: [], size: 0 }
        },
        body(bytes) {
          if (isOver) return
          if (refusal === undefined) receiver.body(bytes)
          else {
            refusal.chunks.push(bytes)
            refusal.size += bytes.length
            if (refusal.size > maxErrorBytes) fail(responseError(refusal))
          }
        },
        end() {
          if (isOver) return
          if (refusal !== undefined) fail(responseError(refusal))
          else receiver.end()
          leave()
        },
        failed(error, hasAnswered) {
          if (isOver || socket !== used) return
          used.destroy()
          // It was closed while it waited: once more, over a new one.
          if (isSpare && !hasAnswered) sendOver(connect(address), false)
          else fail(error)
        },
      })
    }
    const begin = () => {
      waiting.delete(begin)
      if (!isEndless) connections++
      const taken = isRead ? spare.take() : undefined
      // Nothing but keep-alive finds a dead host behind a silent stream.
      sendOver(taken ?? connect({ ...address, ...(isEndless && keepAlive) }), taken !== undefined)
    }

    signal?.addEventListener('abort', abort)
    open.add(fail)
    if (isEndless || connections < maxConnections) begin()
    else waiting.add(begin)
    return { leave, pause: () => socket?.pause(), resume: () => socket?.resume(), explain }
  }

  return {
    send(request, timeoutMs, createReader) {
      return new Promise((resolve, reject) => {
        request.signal?.throwIfAborted()
        let reader: ReturnType<typeof createReader> | undefined
        const limits = { timeoutMs, isEndless: false }
        const conversation = converse(request, limits, {
          head({ status }) {
            reader = createReader(status)
          },
          body(bytes) {
            const value = reader?.push(bytes)
            if (value === undefined) return
            resolve(value)
            conversation.leave()
          },
          end() {
            if (reader !== undefined) resolve(reader.end())
          },
          failed: (error) => reject(conversation.explain(error)),
        })
      })
    },

    open(request, timeoutMs) {
      return new Promise((resolve, reject) => {
        request.signal?.throwIfAborted()
        let body: Readable | undefined
        const limits = {
          timeoutMs: timeoutMs ?? streamHeadTimeoutMs,
          isEndless: timeoutMs === undefined,
        }
        const conversation = converse(request, limits, {
          head(head) {
            body = new Readable({
              read: () => conversation.resume(),
              destroy(error, done) {
                conversation.leave()
                done(error)
              },
            })
            // It may fail before anyone reads it, who is told of it then.
            body.on('error', () => {})
            resolve({ ...head, body, explain: (error) => conversation.explain(error) })
          },
          body(bytes) {
            if (body?.push(bytes) === false) conversation.pause()
          },
          end: () => body?.push(null),
          failed(error) {
            reject(conversation.explain(error))
            body?.destroy(error instanceof Error ? error : new Error(describeError(error)))
          },
        })
      })
    },

    [Symbol.asyncDispose]() {
      for (const fail of open) fail(new Error('the client is closed'))
      spare[Symbol.dispose]()
      return Promise.resolve()
    },
  }
}

interface Refusal {
  status: number
  name: string
  chunks: Uint8Array[]
  size: number
}

/** The error that a status other than 200 stands for. Error bodies are JSON or plain text. */
function responseError({ status, name, chunks }: Refusal): CorrosionResponseError {
  const message = agentMessage(Buffer.concat(chunks).subarray(0, maxErrorBytes).toString())
  const ErrorClass = status === 503 ? CorrosionBusyError : CorrosionResponseError
  return new ErrorClass(status, message, name)
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
