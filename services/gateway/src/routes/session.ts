import { SessionReply, SessionRequest } from '@corroport/contracts'
import { version } from '@corroport/service'
import { sessionCookie } from '../access/guard.ts'
import type { Limits } from '../access/limits.ts'
import type { Principal } from '../access/policy.ts'
import type { Access } from '../access/start-access.ts'
import type { Config } from '../config.ts'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import { answeredBy, answers } from './responses.ts'

export interface SessionDeps {
  config: Pick<Config, 'nodeId' | 'access'>
  access: Access
  limits: Limits
}

/** A token becomes a cookie of one browser, which no script can read. */
export function registerSession(app: App, { config, access, limits }: SessionDeps): void {
  const { mode, isReadOnly } = config.access
  const { name: cookieName, options } = sessionCookie(config)
  const describe = (principal: Principal | undefined): SessionReply => ({
    access: mode,
    principal: principal
      ? { name: principal.name, role: principal.role, expires_at: principal.expiresAt }
      : null,
    is_read_only: isReadOnly,
    version,
    ...answeredBy(config.nodeId),
  })
  const route = { config: { access: 'public' } as const }

  app.get(
    '/api/session',
    { ...route, schema: { response: answers(SessionReply) } },
    ({ principal }) => describe(principal),
  )

  app.post(
    '/api/session',
    { ...route, schema: { body: SessionRequest, response: answers(SessionReply) } },
    async (request, reply) => {
      const reason = access.unjudged()
      if (reason !== undefined) {
        throw new ProblemError(503, `nobody can be let in yet: ${reason}`, { retryAfterSeconds: 1 })
      }
      let principal: Principal
      try {
        principal = access.byToken(request.body.token)
      } catch (error) {
        await limits.countFailure(request)
        throw error
      }
      const before = request.cookies[cookieName]
      if (before !== undefined) access.endSession(before)
      const { value, expiresAt } = access.openSession(principal)
      request.principal = { ...principal, expiresAt }
      reply.setCookie(cookieName, value, { ...options, expires: new Date(expiresAt) })
      return describe(request.principal)
    },
  )

  app.delete(
    '/api/session',
    { ...route, schema: { response: answers(SessionReply) } },
    async (request, reply) => {
      const value = request.cookies[cookieName]
      if (value !== undefined) access.endSession(value)
      reply.clearCookie(cookieName, options)
      return describe(access.anybody)
    },
  )
}
