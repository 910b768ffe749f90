import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'

const minuteMs = 60_000
const failuresPerMinute = 10
// A page with everything open asks some 10 times a second.
const requestsPerMinute = 6000
const socketsInAll = 2048
// A proxy brings everybody from one address: their 500 streams, and what they ask.
const socketsOfAddress = 1024

export interface Limits {
  /** Throws a `ProblemError` of 429 when too many credentials of this address were not good. */
  countFailure(request: FastifyRequest): Promise<void>
  /** Throws a `ProblemError` of 429 when whoever asks has asked too often. */
  countRequest(request: FastifyRequest): Promise<void>
}

export async function createLimits(app: App): Promise<Limits> {
  await app.register(rateLimit, { global: false })
  const failures = app.createRateLimit({ max: failuresPerMinute, timeWindow: minuteMs })
  const requests = app.createRateLimit({
    max: requestsPerMinute,
    timeWindow: minuteMs,
    keyGenerator: ({ principal, ip }) => principal?.tokenId ?? ip,
  })
  const count = async (limit: typeof failures, request: FastifyRequest, what: string) => {
    const counted = await limit(request)
    if (counted.isAllowed || !counted.isExceeded) return
    throw new ProblemError(429, `too many ${what}: at most ${counted.max} a minute`, {
      retryAfterSeconds: counted.ttlInSeconds,
    })
  }
  return {
    // Only what is not good is answered with it: guesses cannot lock out those who share an address.
    countFailure: (request) => count(failures, request, 'credentials of this address are not good'),
    countRequest: (request) => count(requests, request, 'requests'),
  }
}

/** Ends what is too much at once, as no request was read from it yet. */
export function limitSockets(server: Server, onRefused: () => void): void {
  const open = new Map<string, number>()
  server.maxConnections = socketsInAll
  server.on('drop', onRefused)
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const count = (open.get(address) ?? 0) + 1
    if (count > socketsOfAddress) {
      onRefused()
      socket.destroy()
      return
    }
    open.set(address, count)
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1
      if (left === 0) open.delete(address)
      else open.set(address, left)
    })
  })
}
