import type { FastifyRequest } from 'fastify'
import { addEvent } from '../store/events.ts'
import type { App, AppDeps } from './app.ts'

// What people do; what workers do is told as events of builds and workers.
const steering = /\/(builds|submit|cancel|retry|drain|resume|keys|keys\/:id)$/
const refusals: readonly number[] = [401, 403, 429]
// Anybody can be refused as often as they like.
const refusedPerMinute = 60
const minuteMs = 60_000

/** Tells who submitted, cancelled or administered something, and who was refused. */
export function auditRequests(app: App, { pool, access, controllerId, log }: AppDeps): void {
  let refused = { since: 0, count: 0 }
  const isTold = (): boolean => {
    const now = performance.now()
    if (now - refused.since >= minuteMs) refused = { since: now, count: 0 }
    refused.count += 1
    return refused.count <= refusedPerMinute
  }

  const whoOf = async (request: FastifyRequest): Promise<string | null> => {
    if (access.hasKey(request)) return (await access.key(request)).name
    return request.headers['x-build-token'] === undefined ? null : 'holder of the build token'
  }

  app.addHook('onResponse', async (request, { statusCode: status }) => {
    const { method, ip, params, routeOptions } = request
    const route = routeOptions.url ?? 'of no route'
    if (refusals.includes(status)) {
      if (!isTold()) return
    } else if (method === 'GET' || method === 'HEAD' || !steering.test(route)) return
    const target = typeof params === 'object' && params !== null ? Reflect.get(params, 'id') : null
    try {
      await addEvent(pool, 'build.audited', {
        controllerId,
        // Who showed a wrong key is nobody.
        by: await whoOf(request).catch(() => null),
        action: `${method} ${route}`.slice(0, 300),
        target: typeof target === 'string' ? target.slice(0, 64) : null,
        status,
        remoteAddress: ip,
      })
    } catch (err) {
      log.warn({ err, route, status }, 'audit not written')
    }
  })
}
