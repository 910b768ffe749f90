import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { createAccessToken, openTokenBucket } from '@corroport/bus'
import type { Role } from '@corroport/contracts'
import type { NatsServer } from '@corroport/testing'
import type { FastifyInstance, RouteOptions } from 'fastify'

export interface RouteOfRouter {
  method: string
  url: string
  access: Role | 'public'
}

/** Every route of the web APIs that start from now on, as their routers take them. */
export function collectRoutes(): Disposable & { routes: RouteOfRouter[] } {
  const routes: RouteOfRouter[] = []
  const onServer = (message: unknown): void => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
      // The peer API has no such policies: what it takes is signed.
      if (config?.access === undefined) return
      for (const each of [method].flat()) routes.push({ method: each, url, access: config.access })
    })
  }
  subscribe('fastify.initialization', onServer)
  return { routes, [Symbol.dispose]: () => unsubscribe('fastify.initialization', onServer) }
}

export async function newToken(
  { url }: NatsServer,
  role: Role,
  { expiresAt = null, isRevoked = false }: { expiresAt?: string | null; isRevoked?: boolean } = {},
): Promise<{ token: string; id: string }> {
  await using bucket = await openTokenBucket({ url })
  const { token, record } = createAccessToken({ name: `${role} anna`, role, expiresAt })
  await bucket.add(record)
  if (isRevoked) await bucket.revoke(record.id)
  return { token, id: record.id }
}

export interface Asked {
  method?: string
  headers?: OutgoingHttpHeaders | undefined
  body?: string | object
  /** Of the socket: limits count by it. */
  from?: string
}

const deadlineMs = 10_000

/** A request with headers and an address that `fetch` does not let through; reads no endless body. */
export async function ask(url: string, { method = 'GET', headers, body, from }: Asked = {}) {
  const text = typeof body === 'object' ? JSON.stringify(body) : body
  const type = text === undefined ? {} : { 'content-type': 'application/json' }
  const sent = request(url, {
    method,
    headers: { ...type, ...headers },
    agent: false,
    signal: AbortSignal.timeout(deadlineMs),
    ...(from === undefined ? {} : { localAddress: from }),
  })
  sent.end(text)
  const [response] = await once(sent, 'response')
  if (!(response instanceof IncomingMessage)) throw new Error('unreachable: no response')
  const isEndless = String(response.headers['content-type']).includes('event-stream')
  let answer = ''
  if (!isEndless) for await (const chunk of response) answer += String(chunk)
  response.destroy()
  const { statusCode: status = 0, headers: answered } = response
  const cookie = answered['set-cookie']?.[0] ?? ''
  return { status, headers: answered, cookie, text: answer }
}

export function bearer(token: string): { authorization: string } {
  return { authorization: `Bearer ${token}` }
}

let lastAddress = 1
/** Another address of this machine, so that one test does not use up the limits of the next. */
export function newAddress(): string {
  lastAddress += 1
  return `127.0.${(lastAddress >> 8) + 1}.${lastAddress & 255}`
}
