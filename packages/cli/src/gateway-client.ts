import { ContractError, createParser, type Parse, Problem } from '@corroport/contracts'
import type { Static, TSchema } from 'typebox'
import { Failure } from './failure.ts'
import { readServerSentEvents, type ServerSentEvent } from './sse.ts'

// Longer than a gateway waits for others: analytics takes up to a minute to store a page of an import.
const deadlineMs = 65_000
// Three of the heartbeats that a gateway sends every 15 s.
const silenceMs = 45_000

/** The gateway answered with an error; the message is the detail it gave. */
export class RefusedError extends Failure {
  override name = 'RefusedError'
  readonly status: number

  constructor(status: number, detail: string, details: readonly string[] = []) {
    super(detail, { details })
    this.status = status
  }
}

/** No answer: not listening, too slow, or the connection broke. */
export class UnreachedError extends Failure {
  override name = 'UnreachedError'
}

/** Whether the same question may be answered a little later. */
export function isPassing(error: unknown): error is Failure {
  return (
    error instanceof UnreachedError ||
    (error instanceof RefusedError && [429, 502, 503, 504].includes(error.status))
  )
}

/** The HTTP API of one node. */
export interface Gateway {
  /** For texts: `node1`, or the host of an address. */
  readonly name: string
  readonly url: URL
  get<S extends TSchema>(path: string, parse: Parse<S>): Promise<Static<S>>
  post<S extends TSchema>(path: string, body: unknown, parse: Parse<S>): Promise<Static<S>>
  delete(path: string): Promise<void>
  /** The body as it comes, however long that takes, unless it is silent for a while. */
  openBody(path: string): Promise<AsyncIterable<Uint8Array>>
  /** Resolves when the stream is open; the events end or throw when the connection does. */
  openEvents(path: string, lastEventId?: string): Promise<AsyncGenerator<ServerSentEvent>>
}

/** A path with a query; what is undefined is left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`
}

const parseProblem = createParser('problem', Problem)

export function createGateway(name: string, url: URL): Gateway {
  const ask = async (path: string, init: RequestInit): Promise<Response> => {
    let response: Response
    try {
      response = await fetch(new URL(path, url), init)
    } catch (error) {
      throw unreached(url, error)
    }
    if (!response.ok) throw await refusal(url, response)
    return response
  }

  const exchange = async <S extends TSchema>(
    path: string,
    init: RequestInit,
    parse: Parse<S>,
  ): Promise<Static<S>> => {
    const response = await ask(path, { ...init, signal: AbortSignal.timeout(deadlineMs) })
    try {
      return parse(await response.json())
    } catch (error) {
      throw error instanceof ContractError || error instanceof SyntaxError
        ? new Failure(`${url.origin} is no CorroPort gateway of this version: ${error.message}`)
        : unreached(url, error)
    }
  }

  return {
    name,
    url,
    get: (path, parse) => exchange(path, {}, parse),
    post: (path, body, parse) =>
      exchange(
        path,
        {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        },
        parse,
      ),

    async delete(path) {
      const signal = AbortSignal.timeout(deadlineMs)
      const response = await ask(path, { method: 'DELETE', signal })
      await response.body?.cancel()
    },

    openBody: (path) => open(path, {}),

    async openEvents(path, lastEventId) {
      const chunks = await open(path, {
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      })
      return readServerSentEvents(chunks)
    },
  }

  async function open(
    path: string,
    headers: Record<string, string>,
  ): Promise<AsyncIterable<Uint8Array>> {
    const silence = new AbortController()
    const timer = setTimeout(() => silence.abort(), silenceMs)
    try {
      const { body } = await ask(path, { headers, signal: silence.signal })
      return readUntilSilent(body ?? [], timer)
    } catch (error) {
      clearTimeout(timer)
      throw error
    }
  }

  async function* readUntilSilent(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    timer: NodeJS.Timeout,
  ): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of chunks) {
        timer.refresh()
        yield chunk
      }
    } catch (error) {
      throw unreached(url, error)
    } finally {
      clearTimeout(timer)
    }
  }
}

async function refusal(url: URL, response: Response): Promise<Failure> {
  const text = await response.text().catch(() => '') // the status alone says enough
  try {
    const { detail, errors = [] } = parseProblem(JSON.parse(text))
    const isAllSaid = errors.every(({ message }) => detail.includes(message))
    const details = errors.map(({ path, message }) =>
      path === '' ? message : `${path} ${message}`,
    )
    return new RefusedError(response.status, detail, isAllSaid ? [] : details)
  } catch {
    // No problem document, so another server answered: its own words may be a whole page.
    return new RefusedError(
      response.status,
      `${url.origin} answered ${response.status} and is perhaps no CorroPort gateway`,
    )
  }
}

function unreached(url: URL, cause: unknown): Failure {
  const isTimeout = cause instanceof Error && cause.name === 'TimeoutError'
  return new UnreachedError(
    isTimeout
      ? `the gateway at ${url.origin} did not answer in ${deadlineMs / 1000} s`
      : `no gateway reached at ${url.origin}: is the cluster running? Start it with npm start`,
    { cause },
  )
}
