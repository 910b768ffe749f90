import { floatAt } from './typed-arrays.ts'

/** Of the places of a range: the least load, and what all that may be chosen weigh together. */
export interface Least {
  /** Infinity when none may be chosen. */
  load: number
  weight: number
}

export interface LoadTree {
  /** All at once; places beyond `count` are empty. */
  build(count: number, at: (place: number) => { load: number; weight: number }): void
  set(place: number, load: number, weight: number): void
  /** Of the places from `from` up to and without `to`. */
  leastOf(from: number, to: number): Least
  /**
   * One of the places whose load is `most` at most, by weight; `random` gives numbers in [0, 1). Where
   * few of them are, it may be the one with the least load.
   */
  pick(from: number, to: number, most: number, random: () => number): number
}

const none = Number.POSITIVE_INFINITY

export function loadTreeBytes(places: number): number {
  return places * 2 * 2 * Float64Array.BYTES_PER_ELEMENT
}

// By weight among all, until one is found that is not too full: nearly always the first.
const attempts = 8

/**
 * A tree over places, in memory that threads share: every inner node has the least load below it, and
 * how much all places below it weigh that may be chosen. `places` is a power of two.
 */
export function openLoadTree(buffer: SharedArrayBuffer, offset: number, places: number): LoadTree {
  const loads = new Float64Array(buffer, offset, places * 2)
  const weights = new Float64Array(buffer, offset + loads.byteLength, places * 2)
  const found: Least = { load: none, weight: 0 }

  const join = (node: number): void => {
    found.load = Math.min(found.load, floatAt(loads, node))
    found.weight += floatAt(weights, node)
  }

  /** Calls `see` with the nodes that cover the range; it ends the walk with true. */
  const cover = (from: number, to: number, see: (node: number) => boolean): void => {
    for (let left = from + places, right = to + places; left < right; left >>= 1, right >>= 1) {
      if ((left & 1) === 1 && see(left++)) return
      if ((right & 1) === 1 && see(--right)) return
    }
  }

  const setLeaf = (place: number, load: number, weight: number): void => {
    loads[place + places] = load
    weights[place + places] = load === none ? 0 : weight
  }

  /** Whether it has changed. */
  const sumUp = (node: number): boolean => {
    const left = floatAt(loads, node * 2)
    const right = floatAt(loads, node * 2 + 1)
    const load = Math.min(left, right)
    const weight = floatAt(weights, node * 2) + floatAt(weights, node * 2 + 1)
    const isSame = loads[node] === load && weights[node] === weight
    loads[node] = load
    weights[node] = weight
    return !isSame
  }

  /** The place at which the weights before it come to `rest`. */
  const byWeight = (from: number, to: number, share: number): number => {
    let rest = share
    let chosen = 0
    cover(from, to, (node) => {
      if (floatAt(weights, node) === 0) return false
      chosen = node
      rest -= floatAt(weights, node)
      return rest < 0
    })
    rest += floatAt(weights, chosen)
    while (chosen < places) {
      chosen *= 2
      const left = floatAt(weights, chosen)
      // Sums of fractions are not exact: a side that weighs nothing is never gone to.
      if (left > 0 && (rest < left || floatAt(weights, chosen + 1) === 0)) continue
      rest -= left
      chosen += 1
    }
    return chosen - places
  }

  const leastAt = (from: number, to: number): number => {
    const { load } = leastOf(from, to)
    let chosen = 0
    cover(from, to, (node) => {
      chosen = node
      return loads[node] === load
    })
    while (chosen < places) chosen = chosen * 2 + (loads[chosen * 2] === load ? 0 : 1)
    return chosen - places
  }

  const leastOf = (from: number, to: number): Least => {
    found.load = none
    found.weight = 0
    cover(from, to, (node) => {
      join(node)
      return false
    })
    return found
  }

  return {
    build(count, at) {
      for (let place = 0; place < places; place += 1) {
        const { load, weight } = place < count ? at(place) : { load: none, weight: 0 }
        setLeaf(place, load, weight)
      }
      for (let node = places - 1; node >= 1; node -= 1) sumUp(node)
    },
    set(place, load, weight) {
      setLeaf(place, load, weight)
      let node = (place + places) >> 1
      while (node >= 1 && sumUp(node)) node >>= 1
    },
    leastOf,
    pick(from, to, most, random) {
      const { weight } = leastOf(from, to)
      for (let attempt = 0; attempt < attempts; attempt += 1) {
        const place = byWeight(from, to, random() * weight)
        if (floatAt(loads, place + places) <= most) return place
      }
      return leastAt(from, to)
    },
  }
}
