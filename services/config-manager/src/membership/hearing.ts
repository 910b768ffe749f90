/**
 * Whether this node would hear the others on NATS if they spoke: it hears itself. Else all of them
 * would seem lost when it is this node that is cut off.
 */
export interface Hearing {
  readonly isSure: boolean
  look(nowMs: number): void
}

// Said each second. Well below the three seconds after which others count as lost, so that those
// who fell silent together with NATS are not told as lost.
const freshMs = 1800
// When NATS is back, the others' next words come within a second.
const settledMs = 2000

/** `ownAgeMs`: since this node last heard what it said itself. */
export function createHearing(ownAgeMs: () => number | undefined): Hearing {
  let since: number | undefined
  let isSure = false
  return {
    get isSure() {
      return isSure
    },
    look(nowMs) {
      since = (ownAgeMs() ?? Infinity) <= freshMs ? (since ?? nowMs) : undefined
      isSure = since !== undefined && nowMs - since >= settledMs
    },
  }
}
