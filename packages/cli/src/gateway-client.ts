import {
  ContractError,
  createParser,
  type Parse,
  Problem,
  readServerSentEvents,
  type ServerSentEvent,
} from '@corroport/contracts'
import type { Static, TSchema } from 'typebox'
import { Failure } from './failure.ts'

// Longer than a gateway waits for others: analytics takes up to a minute to store a page of an import.
const deadlineMs = 65_000
// Between the pages of a long answer.
const bodySilenceMs = 45_000
// A gateway sends a sign of life each second.
const eventSilenceMs = 5000

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
  patch<S extends TSchema>(path: string, body: unknown, parse: Parse<S>): Promise<Static<S>>
  /** An answer that is no JSON. */
  postForText(
    path: string,
    body: unknown,
    type: string,
  ): Promise<{ text: string; headers: Headers }>
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

/** The token, where there is one, is sent to this address only: redirects are not followed. */
export function createGateway(name: string, url: URL, token?: string): Gateway {
  const ask = async (path: string, init: RequestInit): Promise<Response> => {
    let response: Response
    try {
      const headers = new Headers(init.headers)
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
      response = await fetch(new URL(path, url), { ...init, headers, redirect: 'manual' })
    } catch (error) {
      throw unreached(url, error)
    }
    if (!response.ok) throw await refusal(url, response, token !== undefined)
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
    post: (path, body, parse) => exchange(path, asJson('POST', body), parse),

    patch: (path, body, parse) => exchange(path, asJson('PATCH', body), parse),

    async postForText(path, body, type) {
      const response = await ask(path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: type },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(deadlineMs),
      })
      const text = await response.text().catch((error: unknown) => {
        throw unreached(url, error)
      })
      return { text, headers: response.headers }
    },

    async delete(path) {
      const signal = AbortSignal.timeout(deadlineMs)
      const response = await ask(path, { method: 'DELETE', signal })
      await response.body?.cancel()
    },

    openBody: (path) => open(path, {}, bodySilenceMs),

    async openEvents(path, lastEventId) {
      const headers = {
        accept: 'text/event-stream',
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      }
      const chunks = await open(path, headers, eventSilenceMs)
      return readServerSentEvents(chunks)
    },
  }

  async function open(
    path: string,
    headers: Record<string, string>,
    silenceMs: number,
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

function asJson(method: string, body: unknown): RequestInit {
  const headers = { 'content-type': 'application/json' }
  return { method, headers, body: JSON.stringify(body) }
}

async function refusal(url: URL, response: Response, hasToken: boolean): Promise<Failure> {
  const text = await response.text().catch(() => '') // the status alone says enough
  try {
    const { detail, errors = [] } = parseProblem(JSON.parse(text))
    const isAllSaid = errors.every(({ message }) => detail.includes(message))
    const details = errors.map(({ path, message }) =>
      path === '' ? message : `${path} ${message}`,
    )
    const said = detail + adviceFor(response.status, hasToken)
    return new RefusedError(response.status, said, isAllSaid ? [] : details)
  } catch {
    // No problem document, so another server answered: its own words may be a whole page.
    return new RefusedError(
      response.status,
      `${url.origin} answered ${response.status} and is perhaps no CorroPort gateway`,
    )
  }
}

/** What may be done about a refusal, where the gateway cannot know it. */
function adviceFor(status: number, hasToken: boolean): string {
  if (status === 401) {
    return hasToken
      ? '; the one of CORROPORT_TOKEN or CORROPORT_TOKEN_FILE was sent'
      : '; set CORROPORT_TOKEN or CORROPORT_TOKEN_FILE'
  }
  return status === 403 && hasToken ? '; corroport token create makes another token' : ''
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
