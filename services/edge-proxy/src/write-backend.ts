import { RefusalError } from '@corroport/bus'
import { type EdgeBackend, type EdgeBackendChange } from '@corroport/contracts'
import type { Config } from './config.ts'
import { lookUp } from './reach/resolver.ts'
import type { Registrations } from './registrations.ts'
import { type Backend, parseBackend } from './table/backend.ts'
import type { BackendTable } from './table/backend-table.ts'

export interface WriteDeps {
  config: Pick<Config, 'nodeId' | 'regions' | 'addresses'>
  table: BackendTable
  /** Undefined: the table is a file, which only the operator writes. */
  registrations: Registrations | undefined
  /** Resolves when the table has what was written, or after a while. */
  seen: (isSo: () => boolean) => Promise<void>
  statusOf: (backend: Backend) => EdgeBackend
}

/** What an operator does to a backend. Throws `RefusalError` where that may not be. */
export async function writeBackend(
  deps: WriteDeps,
  { id, how, change }: { id: string; how: 'add' | 'change' | 'remove'; change: EdgeBackendChange },
): Promise<{ backend: EdgeBackend | null }> {
  const { config, table, registrations, seen } = deps
  if (!registrations) {
    throw new RefusalError('unavailable', 'the table is a file: write its rows there')
  }
  const known = table.backends.get(id)
  const isSetAside = (): boolean =>
    [...table.setAside.values()].some((row) => row.id === JSON.stringify(id))
  if (how === 'add' && known) throw new RefusalError('conflict', `${id} is there already`)
  if (how !== 'add' && !known && !(how === 'remove' && isSetAside())) {
    throw new RefusalError('not-found', `there is no backend ${id}`)
  }
  if (known?.owner !== undefined && known.owner !== config.nodeId) {
    throw new RefusalError('conflict', `${id} is written by ${known.owner}: ask there`)
  }
  if (how === 'remove') {
    await registrations.remove(id)
    await seen(() => !table.backends.has(id) && !isSetAside())
    return { backend: null }
  }

  const parsed = parseBackend(rowOf(id, known, change), config)
  if (!('backend' in parsed)) {
    throw new RefusalError('invalid', parsed.reason.replace('wg_ip', 'ip'))
  }
  const { backend } = parsed
  const found = await lookUp(backend.host, config.addresses.refuse)
  if ('reason' in found) throw new RefusalError('invalid', `ip: ${found.reason}`)
  await registrations.write(backend)
  const isWritten = (): boolean => {
    const row = table.backends.get(id)
    return row !== undefined && same(row, backend)
  }
  await seen(isWritten)
  return { backend: deps.statusOf(table.backends.get(id) ?? backend) }
}

function rowOf(
  id: string,
  known: Backend | undefined,
  change: EdgeBackendChange,
): Record<string, unknown> {
  const { ip, healthy, draining, ...rest } = change
  const before = known && {
    app: known.app,
    region: known.region,
    country: known.country,
    wg_ip: known.host,
    port: known.port,
    weight: known.weight,
    soft_limit: known.softLimit,
    hard_limit: known.hardLimit,
    healthy: known.isHealthy ? 1 : 0,
    draining: known.isDraining ? 1 : 0,
    owner: known.owner,
  }
  return {
    ...before,
    id,
    ...rest,
    ...(ip !== undefined && { wg_ip: ip }),
    ...(healthy !== undefined && { healthy: healthy ? 1 : 0 }),
    ...(draining !== undefined && { draining: draining ? 1 : 0 }),
  }
}

/** Besides times. */
function same(a: Backend, b: Backend): boolean {
  return (
    a.app === b.app &&
    a.region === b.region &&
    a.country === b.country &&
    a.host === b.host &&
    a.port === b.port &&
    a.weight === b.weight &&
    a.softLimit === b.softLimit &&
    a.hardLimit === b.hardLimit &&
    a.isHealthy === b.isHealthy &&
    a.isDraining === b.isDraining
  )
}
