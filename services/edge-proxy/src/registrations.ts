import { nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Backend } from './table/backend.ts'

/** What a registration says of a backend, checked. */
export interface Registered {
  id: string
  app: string
  region: string
  country: string
  host: string
  port: number
  weight: number
  softLimit: number
  hardLimit: number
}

/** The rows of `backends` that this point of presence writes: those that were registered here. */
export interface Registrations {
  /** Writes the row with a new lease; it is this node's from now on, whoever's it was. */
  register(backend: Registered): Promise<void>
  /** Prolongs the lease, and writes that only when half of it is gone. */
  heartbeat(backend: Backend): Promise<void>
  /** Of this node, or an operator's own. */
  remove(id: string): Promise<void>
  /** What an operator says of a backend; its lease stays, or there is none. */
  write(backend: Backend): Promise<void>
  /** Milliseconds by the steady clock since it was last heard of here; undefined: never. */
  sinceHeard(id: string): number | undefined
}

export interface RegistrationsOptions {
  client: CorrosionClient
  nodeId: string
  leaseMs: number
  /** A steady clock, milliseconds. */
  steady: () => number
}

const columns = [
  'id',
  'app',
  'region',
  'country',
  'wg_ip',
  'port',
  'healthy',
  'weight',
  'soft_limit',
  'hard_limit',
  'deleted',
  'draining',
  'owner',
  'registered_at',
  'updated_at',
  'lease_until',
] as const

const registerSql = upsertSql(columns)

const operatorColumns = [
  'id',
  'app',
  'region',
  'country',
  'wg_ip',
  'port',
  'weight',
  'soft_limit',
  'hard_limit',
  'healthy',
  'draining',
  'updated_at',
] as const

const writeSql = upsertSql(operatorColumns)

function upsertSql(names: readonly string[]): string {
  const updates = names.filter((name) => name !== 'id').map((name) => `${name} = excluded.${name}`)
  return `INSERT INTO backends (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
    ON CONFLICT (id) DO UPDATE SET ${updates.join(', ')}`
}

export function createRegistrations(options: RegistrationsOptions): Registrations {
  const { client, nodeId, leaseMs, steady } = options
  const heardAt = new Map<string, number>()
  /** When the lease was last written, by the steady clock. */
  const writtenAt = new Map<string, number>()

  const lease = (): { now: string; until: string } => {
    const now = nowMicroseconds()
    return { now: toTimestamp(now), until: toTimestamp(now + leaseMs * 1000) }
  }

  const wrote = (id: string): void => {
    writtenAt.set(id, steady())
    heardAt.set(id, steady())
  }

  return {
    async register(backend) {
      const { id, app, region, country, host, port, weight, softLimit, hardLimit } = backend
      const { now, until } = lease()
      const limits = [1, weight, softLimit, hardLimit, 0, 0]
      const row = [id, app, region, country, host, port, ...limits, nodeId, now, now, until]
      await client.transact([[registerSql, row]])
      wrote(id)
    },

    async heartbeat({ id }) {
      const last = writtenAt.get(id)
      heardAt.set(id, steady())
      if (last !== undefined && steady() - last < leaseMs / 2) return
      const { now, until } = lease()
      await client.transact([
        [
          'UPDATE backends SET updated_at = ?, lease_until = ? WHERE id = ? AND owner = ?',
          [now, until, id, nodeId],
        ],
      ])
      wrote(id)
    },

    async remove(id) {
      await client.transact([
        ["DELETE FROM backends WHERE id = ? AND owner IN (?, '')", [id, nodeId]],
      ])
      heardAt.delete(id)
      writtenAt.delete(id)
    },

    async write(backend) {
      const { id, app, region, country = '', host, port, weight, softLimit, hardLimit } = backend
      const states = [backend.isHealthy ? 1 : 0, backend.isDraining ? 1 : 0]
      const { now } = lease()
      const row = [
        id,
        app,
        region,
        country,
        host,
        port,
        weight,
        softLimit,
        hardLimit,
        ...states,
        now,
      ]
      await client.transact([[writeSql, row]])
    },

    sinceHeard(id) {
      const at = heardAt.get(id)
      return at === undefined ? undefined : steady() - at
    },
  }
}
