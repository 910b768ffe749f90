import type { EdgeBackend } from '@corroport/contracts'
import { CorrosionBusyError, CorrosionConnectionError } from '@corroport/corrosion-client'
import { version } from '@corroport/service'
import type { Config } from '../config.ts'
import { lookUp } from '../reach/resolver.ts'
import type { Registrations } from '../registrations.ts'
import { type Backend, parseBackend } from '../table/backend.ts'
import type { BackendTable } from '../table/backend-table.ts'
import type { TableSource } from '../table/source.ts'
import { type ApiActions, Refusal } from './api.ts'

export interface ActionDeps {
  config: Pick<Config, 'nodeId' | 'regions' | 'addresses'>
  table: BackendTable
  source: TableSource
  /** Undefined: the table is a file, which only the operator writes. */
  registrations: Registrations | undefined
  statusOf: (backend: Backend) => EdgeBackend
  /** Resolves when the table has what was written, or after a while. */
  seen: (isSo: () => boolean) => Promise<void>
  openConnections: () => number
}

export function createActions(deps: ActionDeps): ApiActions {
  const { config, table } = deps

  const writing = (): Registrations => {
    if (deps.registrations) return deps.registrations
    throw new Refusal(501, 'the table is a file: write its rows there, or set AGENT_URL')
  }

  /** Of the backend if this node may write it. */
  const own = (id: string, absent: string): Backend => {
    const backend = table.backends.get(id)
    if (!backend) throw new Refusal(404, absent, { id })
    if (backend.owner === config.nodeId) return backend
    const whose = backend.owner ?? 'the operator who wrote its row'
    throw new Refusal(backend.owner === undefined ? 409 : 404, `${absent} here, but by ${whose}`, {
      id,
    })
  }

  return {
    health() {
      const { state, ageSeconds, isLive } = deps.source.status
      return {
        status: isLive ? ('ok' as const) : ('degraded' as const),
        version,
        registered_backends: table.backends.size,
        set_aside: table.setAside.size,
        table: { state, age_secs: ageSeconds },
        connections: deps.openConnections(),
      }
    },

    list: () => [...table.backends.values()].map(deps.statusOf),

    find(id) {
      const backend = table.backends.get(id)
      return backend && deps.statusOf(backend)
    },

    async register(request) {
      const registrations = writing()
      const { country: given, ...rest } = request
      const region = rest.region.toLowerCase()
      const country = given ?? config.regions.defaultCountry(region)
      const parsed = parseBackend({ ...rest, region, country, wg_ip: rest.ip }, config)
      if (!('backend' in parsed)) throw new Refusal(422, parsed.reason.replace('wg_ip', 'ip'))
      const { backend } = parsed
      const known = table.backends.get(backend.id)
      if (known && known.owner === undefined) {
        throw new Refusal(409, `${backend.id} is a row of the operator's own: choose another id`)
      }
      const found = await lookUp(backend.host, config.addresses.refuse)
      if ('reason' in found) throw new Refusal(422, `ip: ${found.reason}`)
      await atAgent(() => registrations.register({ ...backend, country: country ?? '' }))
      await deps.seen(() => {
        const row = table.backends.get(backend.id)
        return (
          row?.owner === config.nodeId && row.host === backend.host && row.port === backend.port
        )
      })
    },

    async heartbeat(id) {
      const registrations = writing()
      const backend = own(id, 'backend not registered')
      await atAgent(() => registrations.heartbeat(backend))
    },

    async remove(id) {
      const registrations = writing()
      own(id, 'backend not found')
      await atAgent(() => registrations.remove(id))
      await deps.seen(() => !table.backends.has(id))
    },
  }
}

async function atAgent(write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (error instanceof CorrosionConnectionError || error instanceof CorrosionBusyError) {
      throw new Refusal(503, `the agent does not answer: ${error.message}`)
    }
    throw error
  }
}
