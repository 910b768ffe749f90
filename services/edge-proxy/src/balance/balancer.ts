import { openLoads, type Refusal } from './loads.ts'
import { withLock } from './lock.ts'
import { Head, Reach, type SharedBackends } from './shared-backends.ts'
import { floatAt, intAt } from './typed-arrays.ts'

/** Interned: what is asked for. -1 is a country or a region that is not known, or no backend's. */
export interface Wanted {
  app: number
  country: number
  region: number
}

export interface Balancer {
  /** Takes a connection's slot at the best backend, other than those that were tried; -1: there is none. */
  reserve(wanted: Wanted, tried: readonly number[], random: () => number): number
  /** Takes one at this backend of the app, if it takes any. */
  reserveAt(slot: number, app: number): boolean
  /** Once for each that was reserved. */
  release(slot: number): void
  succeeded(slot: number): void
  failed(slot: number, nowMs: number): void
  /** It was this proxy's fault, so nothing is known of the backend: another may try it. */
  untried(slot: number): void
  /** Lets those whose ejection is over take one connection each. */
  admitTrials(nowMs: number): void
  /** 0: of the client's country, 1: of its region, 2: of the own region, 3: elsewhere. */
  tierOf(slot: number, wanted: Wanted): number
  /** Why it takes nothing now; null: it does. */
  refusalOf(slot: number): Refusal | null
  /** The backends of the app as they stand now, best first, at most `limit`; takes none. */
  explain(wanted: Wanted, limit: number): Candidate[]
}

/** What speaks for and against a backend at one moment. */
export interface Candidate {
  slot: number
  tier: number
  /** The least is chosen, or one of its tier that is similar; null when it takes none. */
  score: number | null
  connections: number
  refusal: Refusal | null
}

export interface BalancerOptions {
  ownRegion: number
  /** Whether backends at their soft limit are passed over for those of the next tier. */
  spillsAtSoftLimit: boolean
  /** In turn, after which a backend is ejected. */
  failuresToEject: number
  ejectMs: number
  longestEjectMs: number
}

const none = Number.POSITIVE_INFINITY
// So many are looked at to explain, under the lock.
const mostExplained = 4096
/**
 * Of the soft limit: loads that differ by no more are taken for equal, and the weights alone decide.
 * With short connections counts are nearly always 0 or 1: compared exactly, whoever has one less takes
 * the next, whatever it weighs.
 */
export const similarLoad = 1 / 16
// A tier is worth a hundred times the soft limit, as it was in edgeProxy.
const tierScore = 100

/** The part of choosing that every thread does by itself, on memory that all share. */
export function createBalancer(shared: SharedBackends, options: BalancerOptions): Balancer {
  const { connections, app, region, country, reach } = shared
  const { placeOf, slotAt, heads, failures, ejectedUntil, lock } = shared
  const loads = openLoads(shared, options.spillsAtSoftLimit)
  const { tree } = loads

  const take = (slot: number): void => {
    connections[slot] = intAt(connections, slot) + 1
    if (intAt(reach, slot) === Reach.trial) reach[slot] = Reach.trying
    loads.update(slot)
  }

  /** The first place whose backend is not before these. Places are sorted by app, region, country. */
  const firstPlace = (ofApp: number, ofRegion: number, ofCountry: number): number => {
    let low = 0
    let high = intAt(heads, Head.places)
    while (low < high) {
      const middle = (low + high) >>> 1
      const slot = intAt(slotAt, middle)
      const order =
        intAt(app, slot) - ofApp ||
        intAt(region, slot) - ofRegion ||
        intAt(country, slot) - ofCountry
      if (order < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  const best = { score: none, load: none, from: 0, to: 0 }
  const consider = (tier: number, from: number, to: number): void => {
    if (from >= to) return
    const { load } = tree.leastOf(from, to)
    if (tier * tierScore + load < best.score) {
      best.score = tier * tierScore + load
      Object.assign(best, { load, from, to })
    }
  }

  const find = (wanted: Wanted, random: () => number): number => {
    best.score = none
    const from = firstPlace(wanted.app, -1, -1)
    const to = firstPlace(wanted.app + 1, -1, -1)
    if (wanted.country >= 0) {
      // A country lies in one region, whatever rows say: there may be some of it in each.
      for (let place = from; place < to; ) {
        const its = intAt(region, intAt(slotAt, place))
        consider(
          0,
          firstPlace(wanted.app, its, wanted.country),
          firstPlace(wanted.app, its, wanted.country + 1),
        )
        place = firstPlace(wanted.app, its + 1, -1)
      }
    }
    const inRegion = (tier: number, its: number): void =>
      consider(tier, firstPlace(wanted.app, its, -1), firstPlace(wanted.app, its + 1, -1))
    if (wanted.region >= 0) inRegion(1, wanted.region)
    if (options.ownRegion >= 0) inRegion(2, options.ownRegion)
    consider(3, from, to)
    if (best.score === none) return -1
    return intAt(slotAt, tree.pick(best.from, best.to, best.load + similarLoad, random))
  }

  const tierOf = (slot: number, wanted: Wanted): number => {
    if (wanted.country >= 0 && intAt(country, slot) === wanted.country) return 0
    if (wanted.region >= 0 && intAt(region, slot) === wanted.region) return 1
    return options.ownRegion >= 0 && intAt(region, slot) === options.ownRegion ? 2 : 3
  }

  return {
    reserve: (wanted, tried, random) =>
      withLock(lock, () => {
        for (const slot of tried) {
          if (intAt(placeOf, slot) >= 0) tree.set(intAt(placeOf, slot), none, 0)
        }
        const slot = find(wanted, random)
        for (const each of tried) loads.update(each)
        if (slot >= 0) take(slot)
        return slot
      }),

    reserveAt: (slot, ofApp) =>
      withLock(lock, () => {
        const isFit = intAt(placeOf, slot) >= 0 && intAt(app, slot) === ofApp && loads.takes(slot)
        if (isFit) take(slot)
        return isFit
      }),

    release: (slot) =>
      withLock(lock, () => {
        connections[slot] = intAt(connections, slot) - 1
        loads.update(slot)
      }),

    succeeded(slot) {
      if (intAt(failures, slot) === 0 && intAt(reach, slot) === Reach.open) return
      withLock(lock, () => {
        failures[slot] = 0
        reach[slot] = Reach.open
        loads.update(slot)
      })
    },

    failed: (slot, nowMs) =>
      withLock(lock, () => {
        const { failuresToEject, ejectMs, longestEjectMs } = options
        const inTurn = intAt(failures, slot) + 1
        failures[slot] = inTurn
        const state = intAt(reach, slot)
        if (state === Reach.ejected || (state === Reach.open && inTurn < failuresToEject)) return
        const doubled = Math.min(inTurn - failuresToEject, 30)
        reach[slot] = Reach.ejected
        ejectedUntil[slot] = nowMs + Math.min(longestEjectMs, ejectMs * 2 ** doubled)
        loads.update(slot)
      }),

    untried(slot) {
      if (intAt(reach, slot) !== Reach.trying) return
      withLock(lock, () => {
        if (intAt(reach, slot) === Reach.trying) reach[slot] = Reach.trial
        loads.update(slot)
      })
    },

    admitTrials: (nowMs) =>
      withLock(lock, () => {
        const places = intAt(heads, Head.places)
        for (let place = 0; place < places; place += 1) {
          const slot = intAt(slotAt, place)
          if (intAt(reach, slot) !== Reach.ejected || nowMs < floatAt(ejectedUntil, slot)) continue
          reach[slot] = Reach.trial
          loads.update(slot)
        }
      }),

    tierOf,

    refusalOf: (slot) => loads.refusalOf(slot),

    explain: (wanted, limit) =>
      withLock(lock, () => {
        const from = firstPlace(wanted.app, -1, -1)
        const to = Math.min(firstPlace(wanted.app + 1, -1, -1), from + mostExplained)
        const candidates: Candidate[] = []
        for (let place = from; place < to; place += 1) {
          const slot = intAt(slotAt, place)
          const tier = tierOf(slot, wanted)
          const refusal = loads.refusalOf(slot)
          candidates.push({
            slot,
            tier,
            score: refusal === null ? tier * tierScore + loads.of(slot) : null,
            connections: intAt(connections, slot),
            refusal,
          })
        }
        return candidates
          .toSorted((a, b) => (a.score ?? none) - (b.score ?? none) || a.tier - b.tier)
          .slice(0, limit)
      }),
  }
}
