import { type Loads, openLoads } from './loads.ts'
import { withLock } from './lock.ts'
import { Head, mostBackends, Reach, type SharedBackends } from './shared-backends.ts'
import { intAt } from './typed-arrays.ts'

/** A backend of the table, with interned names; `country` is -1 where none is known. */
export interface Offered {
  id: string
  app: number
  region: number
  country: number
  weight: number
  softLimit: number
  hardLimit: number
  /** Healthy, not draining, its lease not over. */
  isOffered: boolean
}

export interface Arranged {
  /** By id. */
  slots: ReadonlyMap<string, number>
  /** Ids for which there was no slot. */
  left: readonly string[]
}

/** The one thread that knows the table writes it down for all. */
export interface Arrangement {
  /**
   * All backends that there are. One that is missing keeps its slot until its last connection is over.
   * `onAssigned` hears of all slots before anybody can choose one of them.
   */
  arrange(
    backends: readonly Offered[],
    onAssigned?: (slots: ReadonlyMap<string, number>) => void,
  ): Arranged
}

/** What of a backend says where it stands in the tree. */
type Place = Pick<Offered, 'app' | 'region' | 'country'>

export function createArrangement(shared: SharedBackends, spillsAtSoftLimit: boolean): Arrangement {
  const loads = openLoads(shared, spillsAtSoftLimit)
  const slots = new Map<string, number>()
  /** As it was written down. */
  const written = new Map<string, Offered>()
  const free = Array.from({ length: mostBackends }, (_, index) => mostBackends - 1 - index)
  /** Without a row, and perhaps with connections. */
  const leaving = new Set<number>()
  shared.placeOf.fill(-1)
  loads.tree.build(0, () => nothing)

  const takeOut = (gone: readonly string[]): void =>
    withLock(shared.lock, () => {
      for (const id of gone) {
        const slot = slots.get(id)
        if (slot === undefined) continue
        slots.delete(id)
        written.delete(id)
        leaving.add(slot)
        shared.isOffered[slot] = 0
        loads.update(slot)
        shared.placeOf[slot] = -1
      }
    })

  const freeEmpty = (): void => {
    for (const slot of leaving) {
      if (shared.connections[slot] !== 0) continue
      leaving.delete(slot)
      free.push(slot)
    }
  }

  const slotOf = ({ id }: Offered): number | undefined => {
    const known = slots.get(id)
    if (known !== undefined) return known
    const slot = free.pop()
    if (slot === undefined) return undefined
    slots.set(id, slot)
    shared.epoch[slot] = intAt(shared.epoch, slot) + 1
    shared.failures[slot] = 0
    shared.reach[slot] = Reach.open
    return slot
  }

  const inOrder = (): number[] =>
    [...written]
      .toSorted(([, a], [, b]) => a.app - b.app || a.region - b.region || a.country - b.country)
      .flatMap(([id]) => slots.get(id) ?? [])

  return {
    // Threads wait for the lock: what is long, as sorting, is done without it.
    arrange(backends, onAssigned) {
      const ids = new Set(backends.map(({ id }) => id))
      const gone = [...slots.keys()].filter((id) => !ids.has(id))
      if (gone.length > 0) takeOut(gone)
      freeEmpty()
      const left: string[] = []
      const changed: [number, Offered][] = []
      let isRearranged = gone.length > 0
      for (const backend of backends) {
        const before = written.get(backend.id)
        if (before && isSame(before, backend)) continue
        const slot = slotOf(backend)
        if (slot === undefined) {
          left.push(backend.id)
          continue
        }
        isRearranged ||= !before || !isAtSamePlace(before, backend)
        written.set(backend.id, backend)
        changed.push([slot, backend])
      }
      onAssigned?.(slots)
      const order = isRearranged ? inOrder() : undefined
      withLock(shared.lock, () => {
        for (const [slot, backend] of changed) {
          write(shared, slot, backend)
          if (!order) loads.update(slot)
        }
        if (order) place(shared, order, loads)
      })
      return { slots, left }
    },
  }
}

const nothing = { load: Number.POSITIVE_INFINITY, weight: 0 }

function isAtSamePlace(a: Place, b: Place): boolean {
  return a.app === b.app && a.region === b.region && a.country === b.country
}

function isSame(a: Offered, b: Offered): boolean {
  return (
    isAtSamePlace(a, b) &&
    a.weight === b.weight &&
    a.softLimit === b.softLimit &&
    a.hardLimit === b.hardLimit &&
    a.isOffered === b.isOffered
  )
}

function write(shared: SharedBackends, slot: number, backend: Offered): void {
  shared.app[slot] = backend.app
  shared.region[slot] = backend.region
  shared.country[slot] = backend.country
  shared.weight[slot] = backend.weight
  shared.softLimit[slot] = backend.softLimit
  shared.hardLimit[slot] = backend.hardLimit
  shared.isOffered[slot] = backend.isOffered ? 1 : 0
}

function place(
  { slotAt, placeOf, weight, heads }: SharedBackends,
  order: readonly number[],
  loads: Loads,
): void {
  for (const [at, slot] of order.entries()) {
    slotAt[at] = slot
    placeOf[slot] = at
  }
  heads[Head.places] = order.length
  heads[Head.arrangement] = intAt(heads, Head.arrangement) + 1
  loads.tree.build(order.length, (at) => {
    const slot = intAt(slotAt, at)
    return { load: loads.of(slot), weight: intAt(weight, slot) }
  })
}
