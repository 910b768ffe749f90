import { includesRole } from '@corroport/contracts'
import cookie from '@fastify/cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.ts'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import { isFromOwnPage, refuseForeignPages } from './foreign-pages.ts'
import type { Limits } from './limits.ts'
import { isChange, isUnsafe, type Principal, requirePolicies } from './policy.ts'
import type { Access } from './start-access.ts'

export interface GuardDeps {
  config: Pick<Config, 'nodeId' | 'access'>
  access: Access
  limits: Limits
}

/**
 * Nothing is answered by a route before it went through all of this: which host is asked, from which
 * page, by whom, how often, and whether they may.
 */
export async function guard(app: App, { config, access, limits }: GuardDeps): Promise<void> {
  const { isReadOnly } = config.access
  requirePolicies(app)
  app.decorateRequest('principal', undefined)
  await app.register(cookie)
  refuseForeignPages(app, config.access)

  app.addHook('onRequest', async (request, reply) => {
    const { access: wanted } = request.routeOptions.config ?? {}
    // Of a path that no route has, nobody learns more than that.
    const isPublic = wanted === undefined || wanted === 'public'
    const reason = access.unjudged()
    if (access.anybody === undefined && reason !== undefined) {
      if (isPublic) return
      throw new ProblemError(503, `nobody can be let in yet: ${reason}`, { retryAfterSeconds: 1 })
    }
    request.principal = await identify(request, reply, isPublic)
    if (config.access.mode === 'tokens') await limits.countRequest(request)
    if (isPublic) return
    const { principal } = request
    if (principal === undefined) {
      throw new ProblemError(
        401,
        'a token is wanted: Authorization: Bearer cpt_…, as corroport token create printed it',
      )
    }
    if (!includesRole(principal.role, wanted)) {
      const { name, role } = principal
      throw new ProblemError(403, `this takes the role ${wanted}, and ${name} is ${role}`)
    }
    if (isReadOnly && isChange(request)) {
      throw new ProblemError(403, 'this gateway is read-only (READ_ONLY=true): ask another one')
    }
  })

  app.addHook('onSend', async (_request, reply) => {
    if (reply.statusCode === 401) reply.header('www-authenticate', 'Bearer realm="corroport"')
  })

  /** A credential that is not good is never taken for none, but where nobody is asked for one. */
  const identify = async (
    request: FastifyRequest,
    reply: FastifyReply,
    isPublic: boolean,
  ): Promise<Principal | undefined> => {
    const { authorization } = request.headers
    if (authorization !== undefined) {
      try {
        return access.byToken(/^Bearer (\S+)$/i.exec(authorization)?.[1] ?? '')
      } catch (error) {
        await limits.countFailure(request)
        throw error
      }
    }
    const { name } = sessionCookie(config)
    const value = request.cookies[name]
    if (value === undefined) return access.anybody
    const principal = access.bySession(value)
    if (principal === undefined) {
      reply.clearCookie(name, sessionCookie(config).options)
      if (isPublic) return access.anybody
      await limits.countFailure(request)
      throw new ProblemError(401, 'the session is over: sign in again')
    }
    // A browser adds its cookies to whatever a page makes it send.
    if (isUnsafe(request) && !isFromOwnPage(request)) {
      throw new ProblemError(403, 'a change with a cookie takes an Origin of this gateway')
    }
    return principal
  }
}

/** Cookies do not tell ports apart: two gateways of one machine need two names. */
export function sessionCookie({ nodeId, access: { publicUrl } }: GuardDeps['config']) {
  const isSecure = publicUrl?.protocol === 'https:'
  return {
    name: `${isSecure ? '__Host-' : ''}corroport_${nodeId}`,
    options: { path: '/', httpOnly: true, sameSite: 'strict', secure: isSecure } as const,
  }
}
