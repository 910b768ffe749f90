/** NTP64: seconds of the Unix epoch in the upper 32 bits, their fraction in the lower ones. */
export interface HybridClock {
  /** Strictly increasing. */
  now(): bigint
  /** Another agent's time. False, and ignored, when it is more than 300 ms ahead. */
  observe(ts: bigint): boolean
  /** A laboratory's error of this clock. Time never runs backwards: it waits. */
  setOffset(offsetMs: number): void
  readonly offsetMs: number
}

const maxDriftMs = 300

export function createClock(offsetMs = 0, wallClockMs: () => number = wallClock): HybridClock {
  let offset = offsetMs
  let last = 0n
  return {
    now() {
      const wall = toNtp64(wallClockMs() + offset)
      last = wall > last ? wall : last + 1n
      return last
    },
    observe(ts) {
      if (ts > toNtp64(wallClockMs() + offset + maxDriftMs)) return false
      if (ts > last) last = ts
      return true
    },
    setOffset(next) {
      offset = next
    },
    get offsetMs() {
      return offset
    },
  }
}

function toNtp64(unixMs: number): bigint {
  const micros = BigInt(Math.round(unixMs * 1000))
  return ((micros / 1_000_000n) << 32n) | (((micros % 1_000_000n) << 32n) / 1_000_000n)
}

/** Unix milliseconds, with a fraction. */
export function fromNtp64(ts: bigint): number {
  return Number(ts >> 32n) * 1000 + Number(((ts & 0xffff_ffffn) * 1_000_000n) >> 32n) / 1000
}

function wallClock(): number {
  return Number(Temporal.Now.instant().epochNanoseconds / 1000n) / 1000
}
