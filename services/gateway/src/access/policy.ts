import type { Role } from '@corroport/contracts'
import type { FastifyRequest, RouteOptions } from 'fastify'
import type { App } from '../http-server.ts'

/** Who asks. In open mode everybody on this machine is an admin. */
export interface Principal {
  name: string
  role: Role
  /** Null in open mode and of tokens without an end. */
  expiresAt: string | null
  /** Of the token, or of the token behind the session; null in open mode. */
  tokenId: string | null
  /** Whether the token or the session that it came with is still good now. */
  isStillGood(): boolean
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The least role that may ask; `public` needs nobody. A route without it stops the start. */
    access?: Role | 'public'
    /** What a request is about, for the audit, where its ids do not say it. Never a secret. */
    target?: (request: FastifyRequest) => string | null
  }
  interface FastifyRequest {
    /** Undefined on public routes that nobody signed in for. */
    principal: Principal | undefined
  }
}

/** Default-deny: throws for a route that does not say who may ask it, so that nothing starts. */
export function requirePolicies(app: App): void {
  app.addHook('onRoute', ({ method, url, config }: RouteOptions) => {
    if (config?.access === undefined) {
      throw new Error(`${String(method)} ${url} does not say who may ask it: config.access`)
    }
  })
}

/** Whether a request steers something. What a viewer may ask only reads, whatever its method. */
export function isChange(request: FastifyRequest): boolean {
  const { access } = request.routeOptions.config
  return isUnsafe(request) && (access === 'operator' || access === 'admin')
}

/** Whether its method may change something. */
export function isUnsafe({ method }: FastifyRequest): boolean {
  return method !== 'GET' && method !== 'HEAD'
}

/** Who asked, as records have it. */
export function askedBy(principal: Principal | undefined): string {
  return principal?.name ?? 'operator'
}

/** For what goes on after its first answer: false once the token or session is revoked or over. */
export function isStillAllowed({ principal }: FastifyRequest): boolean {
  return principal?.isStillGood() ?? true
}
