import type { FastifyInstance } from 'fastify'
import { Refusal } from '../refusal.ts'

const windowMs = 60_000
const maxFailures = 120
const maxAddresses = 10_000

/**
 * Who guesses keys is turned away for the rest of a minute. By address: those behind one are one, which
 * is why it takes more failures than any client makes.
 */
export function limitFailures(app: FastifyInstance): void {
  const failures = new Map<string, { count: number; since: number }>()
  app.addHook('onRequest', async (request) => {
    const seen = failures.get(request.ip)
    if (!seen || seen.count < maxFailures) return
    if (performance.now() - seen.since < windowMs) {
      throw new Refusal(429, 'too many requests without a right to them: wait a minute')
    }
    failures.delete(request.ip)
  })
  app.addHook('onResponse', async (request, reply) => {
    if (reply.statusCode !== 401 && reply.statusCode !== 403) return
    const now = performance.now()
    const seen = failures.get(request.ip)
    if (seen && now - seen.since < windowMs) seen.count += 1
    else {
      // The oldest goes first; whoever has so many addresses is not held by this.
      const [oldest] = failures.keys()
      if (failures.size >= maxAddresses && oldest !== undefined) failures.delete(oldest)
      failures.set(request.ip, { count: 1, since: now })
    }
  })
}
