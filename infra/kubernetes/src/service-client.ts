import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'

const timeoutMs = 30_000

/** The API behind an address, asked under the one name that it answers to. */
export interface ServiceClient {
  get<S extends TSchema>(path: string, schema: S): Promise<Static<S>>
  post<S extends TSchema>(path: string, body: unknown, schema: S): Promise<Static<S>>
  /** Each call on a connection of its own: a Service chooses a pod for each connection. */
  send(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>
}

export interface Answer {
  status: number
  body: unknown
}

export function createServiceClient(options: {
  address: string
  port: number
  /** What is asked for by name; without it the address. */
  host?: string | undefined
  token: string
}): ServiceClient {
  const { address, port, token } = options
  const host = options.host ?? `${address}:${port}`

  const send: ServiceClient['send'] = async (method, path, body) => {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const signal = AbortSignal.timeout(timeoutMs)
    const headers = {
      host,
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    }
    request({ host: address, port, path, method, headers, agent: false, signal }, resolve)
      .on('error', reject)
      .end(body === undefined ? undefined : JSON.stringify(body))
    const response = await promise
    return { status: response.statusCode ?? 0, body: JSON.parse(await text(response)) }
  }
  const parsed = async <S extends TSchema>(
    schema: S,
    asked: [method: 'GET' | 'POST', path: string, body?: unknown],
  ): Promise<Static<S>> => {
    const { status, body } = await send(...asked)
    if (status >= 300) {
      throw new Error(`${asked[0]} ${asked[1]} was answered ${status}: ${JSON.stringify(body)}`)
    }
    return Value.Parse(schema, body)
  }
  return {
    send,
    get: (path, schema) => parsed(schema, ['GET', path]),
    post: (path, body, schema) => parsed(schema, ['POST', path, body]),
  }
}

/** Nobody listened, so nothing was asked. */
export function isRefused(error: unknown): boolean {
  return Error.isError(error) && 'code' in error && error.code === 'ECONNREFUSED'
}
