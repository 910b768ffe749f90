import type { Problem } from '@corroport/contracts'
import { RefusedError, UnreachedError } from './errors.ts'
import { noteGatewayTime } from './gateway-clock.ts'
import { createTraceparent } from './trace.ts'

type Query = Readonly<Record<string, string | number | boolean | undefined>>

interface Ask {
  query?: Query
  body?: unknown
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  signal?: AbortSignal | undefined
  /** Milliseconds. */
  timeoutMs?: number
}

const defaultTimeoutMs = 30_000

/** A path with a query; what is undefined or empty is left out. */
export function withQuery(path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  )
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`
}

/**
 * Asks the gateway that served this page. Its answers are those of the contracts: page and gateway are
 * of one version, and the gateway checks what it sends.
 */
export async function ask<Reply>(path: string, options: Ask = {}): Promise<Reply> {
  const { query, body, timeoutMs = defaultTimeoutMs } = options
  const { method = body === undefined ? 'GET' : 'POST' } = options
  const timeout = AbortSignal.timeout(timeoutMs)
  const sentAt = Date.now()
  let response: Response
  let text: string
  try {
    response = await fetch(withQuery(path, query), {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(method === 'GET' ? {} : { traceparent: createTraceparent() }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    })
    noteGatewayTime(response.headers.get('date'), { sentAt, receivedAt: Date.now() })
    // What is cut off on its way is no answer either: what was asked for may be done all the same.
    text = await response.text()
  } catch (cause) {
    if (options.signal?.aborted) throw cause
    const reason = timeout.aborted
      ? `no answer in ${timeoutMs / 1000} s`
      : 'the gateway cannot be reached'
    throw new UnreachedError(reason, { cause })
  }
  if (!response.ok) throw refusalOf(response, text)
  return JSON.parse(text) as Reply
}

function refusalOf(response: Response, text: string): RefusedError {
  const isProblem = response.headers.get('content-type')?.includes('problem+json') === true
  if (!isProblem) {
    return new RefusedError(
      response.status,
      `answered ${response.status} ${response.statusText}`.trim(),
    )
  }
  const { detail, errors = [] } = JSON.parse(text) as Problem
  const named = errors.filter(({ path }) => path !== '')
  const fields = Object.fromEntries(named.map(({ path, message }) => [path, message]))
  const problems = errors.flatMap(({ path, message }) => (path === '' ? [message] : []))
  return new RefusedError(response.status, detail, { fields, problems })
}
