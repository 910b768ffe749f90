import type { Role } from '@corroport/contracts'

/** Who asks. In open mode everybody on this machine is an admin. */
export interface Principal {
  name: string
  role: Role
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The least role that may ask; `public` needs nobody. A route without it stops the start. */
    access?: Role | 'public'
  }
  interface FastifyRequest {
    /** Undefined on public routes that nobody signed in for. */
    principal: Principal | undefined
  }
}
