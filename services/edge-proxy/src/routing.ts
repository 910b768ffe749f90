import type { Logger } from 'pino'
import { Reach } from './balance/shared-backends.ts'
import { intAt } from './balance/typed-arrays.ts'
import { countryNumber } from './geo/country-number.ts'
import { countedSoFar, type MeasuredBackend, type RowState } from './metrics.ts'
import type { Probed } from './reach/probes.ts'
import type { Resolver } from './reach/resolver.ts'
import type { PerSlot } from './serve/counters.ts'
import type { Placed, Workers } from './serve/workers.ts'
import type { Backend } from './table/backend.ts'
import { type BackendTable, rowRefusal } from './table/backend-table.ts'
import type { Leases } from './table/leases.ts'

/** Keeps what the threads choose from in step with the table. */
export interface Routing extends Disposable {
  /** Something of the table, of a lease or of a name may have changed. */
  update(): void
  /** Why nobody is sent to this backend from here; undefined: it takes connections. */
  refusalOf(backend: Backend): string | undefined
  /** Tells of backends that were left out since, and of those that are taken again. */
  lookAtReach(): void
  connectionsOf(id: string): number
  isReachable(id: string): boolean
  /** Interned; undefined: no backend is of it. */
  appNumber(app: string): number | undefined
  idAt(slot: number): string | undefined
  /** Those that may take connections, to be tried. */
  probed(): Probed[]
  /** Of backends that take connections now, in random order; undefined: there is no such app, or none there. */
  addressesOf(app: string, region: string | undefined): readonly string[] | undefined
  measured(): MeasuredBackend[]
  count(): Record<RowState, number>
  /** What is chosen from is what the table was when it was last told to look. */
  readonly isInStep: boolean
  /** How many were left out since they failed. */
  readonly leftOut: number
}

export interface RoutingOptions {
  table: BackendTable
  leases: Leases
  resolver: Resolver
  workers: Workers
  regionNames: readonly string[]
  isOneApp: boolean
  steady: () => number
  onChange: (changes: readonly RoutingChange[]) => void
  /** It has no row any more. */
  onGone: (backend: { id: string; app: string }) => void
  /** It was left out here since it failed, or is taken again. */
  onReach: (backend: Backend, isReached: boolean) => void
  log: Logger
}

/** A backend takes connections of this proxy now, or does not any more. */
export interface RoutingChange {
  backend: Backend
  refusal: string | undefined
}

// Of one answer of DNS: more would not fit into a packet, and nobody tries more.
const mostAddresses = 8
// Of ten thousand backends each look takes milliseconds, and others want this thread too.
const restsFor = 3

export function createRouting(options: RoutingOptions): Routing {
  const { table, leases, resolver, workers, regionNames, isOneApp, steady, log } = options
  const apps = new Map<string, number>()
  const idBySlot = new Map<number, string>()
  const bases = new Map<string, Readonly<Record<PerSlot, number>>>()
  const refusals = new Map<string, string | undefined>()
  const unreached = new Set<string>()
  const appOf = new Map<string, string>()
  /** Of the next look at the table, where one is to come. */
  let cancel: (() => void) | undefined
  let restUntil = 0
  let leaseTimer: NodeJS.Timeout | undefined

  const intern = (app: string): number => {
    const known = apps.get(app)
    if (known !== undefined) return known
    apps.set(app, apps.size)
    return apps.size - 1
  }

  const addressOf = (backend: Backend): { address: string } | { reason: string } => {
    const found = resolver.resolve(backend.host)
    return found === 'pending' ? { reason: `${backend.host} is being looked up` } : found
  }

  const place = (backend: Backend): Placed & { refusal: string | undefined } => {
    const found = addressOf(backend)
    const refusal = rowRefusal(backend, leases) ?? ('reason' in found ? found.reason : undefined)
    const { id, port, weight, softLimit, hardLimit } = backend
    return {
      id,
      host: 'address' in found ? found.address : '',
      port,
      app: isOneApp ? 0 : intern(backend.app),
      region: regionNames.indexOf(backend.region),
      country: countryNumber(backend.country),
      weight,
      softLimit,
      hardLimit,
      isOffered: refusal === undefined,
      refusal,
    }
  }

  const arrange = (): void => {
    cancel = undefined
    const beganAt = steady()
    resolver.keep(new Set([...table.backends.values()].map(({ host }) => host)))
    const placed = [...table.backends.values()].map(place)
    const left = workers.arrange(placed, apps)
    if (left.length > 0)
      log.error({ backends: left.length }, 'more backends than there is room for')
    const changes: RoutingChange[] = []
    idBySlot.clear()
    for (const { id, refusal } of placed) {
      const slot = workers.slotOf(id)
      const backend = table.backends.get(id)
      if (slot === undefined || !backend) continue
      idBySlot.set(slot, id)
      if (!bases.has(id)) bases.set(id, countedSoFar(workers.counters, slot))
      if (refusals.has(id) ? refusals.get(id) !== refusal : true) changes.push({ backend, refusal })
      refusals.set(id, refusal)
      appOf.set(id, backend.app)
    }
    for (const id of refusals.keys()) {
      if (table.backends.has(id)) continue
      options.onGone({ id, app: appOf.get(id) ?? '' })
      appOf.delete(id)
      refusals.delete(id)
      unreached.delete(id)
      bases.delete(id)
    }
    if (changes.length > 0) options.onChange(changes)
    clearTimeout(leaseTimer)
    // Also one that has ended meanwhile.
    const next = leases.nextEnd(beganAt)
    if (next !== undefined)
      leaseTimer = setTimeout(update, Math.max(1, next - steady() + 1)).unref()
    const endedAt = steady()
    restUntil = endedAt + (endedAt - beganAt) * restsFor
  }

  // Rows that come together are arranged together.
  const update = (): void => {
    if (cancel) return
    const restMs = restUntil - steady()
    if (restMs > 1) {
      const timer = setTimeout(arrange, restMs)
      cancel = () => clearTimeout(timer)
    } else {
      const immediate = setImmediate(arrange)
      cancel = () => clearImmediate(immediate)
    }
  }

  return {
    update,
    refusalOf({ id }) {
      const slot = workers.slotOf(id)
      const here = slot === undefined ? 'there is no room for it' : workers.balancer.refusalOf(slot)
      return refusals.get(id) ?? here ?? undefined
    },
    lookAtReach() {
      for (const [slot, id] of idBySlot) {
        const isReached = intAt(workers.shared.reach, slot) === Reach.open
        if (isReached === !unreached.has(id)) continue
        if (isReached) unreached.delete(id)
        else unreached.add(id)
        const backend = table.backends.get(id)
        if (backend) options.onReach(backend, isReached)
      }
    },
    connectionsOf(id) {
      const slot = workers.slotOf(id)
      return slot === undefined ? 0 : intAt(workers.shared.connections, slot)
    },
    isReachable(id) {
      const slot = workers.slotOf(id)
      return slot !== undefined && intAt(workers.shared.reach, slot) === Reach.open
    },
    appNumber: (app) => (isOneApp ? 0 : apps.get(app)),
    idAt: (slot) => idBySlot.get(slot),
    probed: () =>
      [...table.backends.values()].flatMap((backend) => {
        const { id, port } = backend
        const slot = workers.slotOf(id)
        const found = addressOf(backend)
        if (slot === undefined || refusals.get(id) !== undefined || 'reason' in found) return []
        return { slot, id, host: found.address, port }
      }),
    addressesOf(app, region) {
      const named = [...table.backends.values()].filter(
        (backend) => backend.app === app && (region === undefined || backend.region === region),
      )
      if (named.length === 0) return undefined
      const addresses = named.flatMap((backend) => {
        const found = addressOf(backend)
        const isTaking = refusals.get(backend.id) === undefined && backend.weight > 0
        return isTaking && 'address' in found && this.isReachable(backend.id) ? found.address : []
      })
      return shuffled([...new Set(addresses)]).slice(0, mostAddresses)
    },
    measured: () =>
      [...table.backends.values()].flatMap(({ id, region }) => {
        const slot = workers.slotOf(id)
        const base = bases.get(id)
        if (slot === undefined || !base) return []
        return { id, region, slot, base, connections: intAt(workers.shared.connections, slot) }
      }),
    get isInStep() {
      return cancel === undefined
    },
    get leftOut() {
      return unreached.size
    },
    count() {
      const refused = [...refusals.values()].filter((reason) => reason !== undefined).length
      return {
        routing: refusals.size - refused,
        refused,
        'set-aside': table.setAside.size,
      }
    },
    [Symbol.dispose]() {
      clearTimeout(leaseTimer)
      cancel?.()
    },
  }
}

function shuffled(addresses: string[]): string[] {
  for (let last = addresses.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1))
    const [a = '', b = ''] = [addresses[last], addresses[other]]
    addresses[last] = b
    addresses[other] = a
  }
  return addresses
}
