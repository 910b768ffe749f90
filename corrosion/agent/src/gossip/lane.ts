import type { LinkSettings } from './lab.ts'

export interface Parcel {
  payload: Uint8Array
  /** Sent again until it arrives; the others are lost when the link loses them. */
  isReliable: boolean
}

interface Held extends Parcel {
  departsAtMs: number
  /** 0 to 1 of the jitter. */
  jitterShare: number
  retransmissionMs: number
}

const minRetransmissionMs = 25
const maxRetransmissions = 10

export interface LaneOptions {
  settings: () => LinkSettings
  hasBandwidth: boolean
  /** Of what may be lost; the oldest of it goes first. */
  maxLossyBytes: number
  overflowed: () => void
  /** One parcel less is inside. */
  left: () => void
  nowMs: () => number
  random: () => number
}

/** One direction of a bent link: what is put in comes out later, in order, or never. */
export interface Lane {
  put(parcel: Parcel): void
  /** The next parcel that has arrived by now. */
  take(): Parcel | undefined
  /** Milliseconds until `take` may give something; undefined when nothing will by itself. */
  waitMs(): number | undefined
  /** The settings are others now; what has not departed is counted again. */
  rebend(): void
  /** Drops everything, and does not call `left`. */
  clear(): void
  /** Bytes of reliable parcels inside. */
  readonly reliableBytes: number
  readonly isEmpty: boolean
}

export function createLane({
  settings,
  hasBandwidth,
  maxLossyBytes,
  overflowed,
  left,
  nowMs,
  random,
}: LaneOptions): Lane {
  let held: Held[] = []
  let departedMs = 0
  let reliableBytes = 0
  let lossyBytes = 0

  const isBlocked = ({ isCut, loss }: LinkSettings) => isCut || loss === 1

  const isOverfull = () => lossyBytes > maxLossyBytes && held.length > 1

  function account({ payload, isReliable }: Parcel, sign: 1 | -1): void {
    if (isReliable) reliableBytes += sign * payload.length
    else lossyBytes += sign * payload.length
  }

  function remove(index: number): Held | undefined {
    const [parcel] = index === 0 ? [held.shift()] : held.splice(index, 1)
    if (parcel === undefined) return undefined
    account(parcel, -1)
    left()
    return parcel
  }

  function departure(earliestMs: number, bytes: number, bandwidthKbps: number | null): number {
    if (!hasBandwidth || bandwidthKbps === null) return earliestMs
    departedMs = Math.max(departedMs, earliestMs) + (bytes * 8) / bandwidthKbps
    return departedMs
  }

  function arrivesAtMs({ departsAtMs, jitterShare, retransmissionMs }: Held): number {
    const { delayMs, jitterMs } = settings()
    return departsAtMs + delayMs + jitterShare * jitterMs + retransmissionMs
  }

  /** The link is cut: what may be lost is lost, also what is under way. */
  function dropLossy(): void {
    for (let index = held.length - 1; index >= 0; index--) {
      if (!held[index]?.isReliable) remove(index)
    }
  }

  return {
    put(parcel) {
      const bend = settings()
      const now = nowMs()
      if (!parcel.isReliable && (isBlocked(bend) || random() < bend.loss)) return
      let losses = 0
      if (parcel.isReliable && !isBlocked(bend)) {
        while (losses < maxRetransmissions && random() < bend.loss) losses++
      }
      held.push({
        ...parcel,
        departsAtMs: departure(now, parcel.payload.length, bend.bandwidthKbps),
        jitterShare: random(),
        // A loss is noticed by what comes after it: about one round trip and a half.
        retransmissionMs: losses * Math.max(minRetransmissionMs, 3 * bend.delayMs),
      })
      account(parcel, 1)
      while (isOverfull()) {
        remove(held.findIndex((one) => !one.isReliable))
        overflowed()
      }
    },

    take() {
      if (isBlocked(settings())) return undefined
      const [first] = held
      if (first === undefined || arrivesAtMs(first) > nowMs()) return undefined
      return remove(0)
    },

    waitMs() {
      const [first] = held
      if (first === undefined || isBlocked(settings())) return undefined
      return Math.max(0, arrivesAtMs(first) - nowMs())
    },

    rebend() {
      const bend = settings()
      if (isBlocked(bend)) dropLossy()
      const now = nowMs()
      departedMs = now
      for (const parcel of held) {
        if (bend.loss === 0) parcel.retransmissionMs = 0
        if (parcel.departsAtMs > now) {
          parcel.departsAtMs = departure(now, parcel.payload.length, bend.bandwidthKbps)
        }
      }
    },

    clear() {
      held = []
      reliableBytes = 0
      lossyBytes = 0
    },

    get reliableBytes() {
      return reliableBytes
    },
    get isEmpty() {
      return held.length === 0
    },
  }
}
