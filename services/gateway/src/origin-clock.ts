import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The machine's monotonic clock. It goes on over a restart of the process, so a round trip does. */
export interface OriginClock {
  /** Readings of clocks with different ids cannot be subtracted. */
  readonly id: string
  nowMicroseconds(): number
}

export function createOriginClock(): OriginClock {
  return {
    id: bootId() ?? randomUUID(),
    nowMicroseconds: () => Number(process.hrtime.bigint() / 1000n),
  }
}

function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return undefined // not Linux: the clock may start anew with the process
  }
}
