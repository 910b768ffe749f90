import { type LoadTree, openLoadTree } from './load-tree.ts'
import { mostBackends, Reach, type SharedBackends } from './shared-backends.ts'
import { intAt } from './typed-arrays.ts'

export type Refusal = 'not offered' | 'weight 0' | 'ejected' | 'on trial' | 'at its hard limit'

/** How full each backend is, and so who of them is chosen. To be used while the lock is held. */
export interface Loads {
  readonly tree: LoadTree
  takes(slot: number): boolean
  /** Why it takes none; null when it does. */
  refusalOf(slot: number): Refusal | null
  /** Of the soft limit, by weight; Infinity when it takes none. */
  of(slot: number): number
  update(slot: number): void
}

const beyondSoftLimit = 10_000

/** `spillsAtSoftLimit`: those at their soft limit stand behind all others, of farther tiers too. */
export function openLoads(shared: SharedBackends, spillsAtSoftLimit: boolean): Loads {
  const { connections, softLimit, hardLimit, weight, isOffered, reach, placeOf } = shared
  const tree = openLoadTree(shared.buffer, shared.treeOffset, mostBackends)

  const refusalOf = (slot: number): Refusal | null => {
    if (intAt(isOffered, slot) === 0) return 'not offered'
    if (intAt(weight, slot) === 0) return 'weight 0'
    const state = intAt(reach, slot)
    if (state === Reach.ejected) return 'ejected'
    if (state === Reach.trying) return 'on trial'
    const hard = intAt(hardLimit, slot)
    return hard === 0 || intAt(connections, slot) < hard ? null : 'at its hard limit'
  }

  const of = (slot: number): number => {
    if (refusalOf(slot) !== null) return Number.POSITIVE_INFINITY
    const perSoft = intAt(connections, slot) / Math.max(1, intAt(softLimit, slot))
    const load = perSoft / intAt(weight, slot)
    return spillsAtSoftLimit && perSoft >= 1 ? beyondSoftLimit + load : load
  }

  return {
    tree,
    takes: (slot) => refusalOf(slot) === null,
    refusalOf,
    of,
    update(slot) {
      const place = intAt(placeOf, slot)
      if (place >= 0) tree.set(place, of(slot), intAt(weight, slot))
    },
  }
}
