import type { EdgeBackend } from '@corroport/contracts'
import type { Registrations } from './registrations.ts'
import type { Routing } from './routing.ts'
import type { Backend } from './table/backend.ts'

export interface BackendStatusDeps {
  routing: Routing
  /** Undefined: nobody registers here. */
  registrations: Registrations | undefined
  /** Milliseconds since the Unix epoch. */
  wall: () => number
}

/** A backend as others are told of it. */
export function createBackendStatus(deps: BackendStatusDeps): (backend: Backend) => EdgeBackend {
  const { routing, registrations, wall } = deps
  const secondsSince = (at: number): number => Math.max(0, Math.floor((wall() - at) / 1000))

  const secondsSinceHeard = ({ id, leaseUntil, updatedAt }: Backend): number | null => {
    const heardMs = registrations?.sinceHeard(id)
    if (heardMs !== undefined) return Math.floor(heardMs / 1000)
    return updatedAt === undefined || leaseUntil === undefined ? null : secondsSince(updatedAt)
  }

  return (backend) => {
    const { id, app, region, host: ip, port, weight, owner, leaseUntil, registeredAt } = backend
    const refusal = routing.refusalOf(backend)
    return {
      id,
      app,
      region,
      ip,
      port,
      healthy: backend.isHealthy && refusal !== 'its lease is over',
      last_heartbeat_secs: secondsSinceHeard(backend),
      registered_secs: registeredAt === undefined ? null : secondsSince(registeredAt),
      country: backend.country ?? null,
      weight,
      soft_limit: backend.softLimit,
      hard_limit: backend.hardLimit,
      draining: backend.isDraining,
      owner: owner ?? null,
      lease_secs: leaseUntil === undefined ? null : Math.round((leaseUntil - wall()) / 1000),
      reachable: routing.isReachable(id),
      connections: routing.connectionsOf(id),
      refusal: refusal ?? null,
    }
  }
}
