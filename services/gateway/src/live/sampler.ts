/** Lets through so many a second, evenly over all that come. */
export interface Sampler {
  admits(): boolean
  /** Begins the next second; how many were held back in the one before. */
  turn(): number
}

/**
 * What one second brought says how many of the next are left out between two that pass. Where it brought
 * no more than may pass, everything does, up to the bound: a burst is not thinned for its shape.
 */
export function createSampler(perSecond: number): Sampler {
  // Of so many that came in a second, `perSecond` pass.
  let every = perSecond
  let due = 0
  let seen = 0
  let passed = 0
  return {
    admits() {
      seen += 1
      due += perSecond
      if (due < every || passed >= perSecond) return false
      due -= every
      passed += 1
      return true
    },
    turn() {
      const skipped = seen - passed
      every = Math.max(perSecond, seen)
      due = every - perSecond
      seen = 0
      passed = 0
      return skipped
    },
  }
}
