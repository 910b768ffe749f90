import { ackReceived, clockSampled, fromTimestamp, type StoredEvent } from '@corroport/contracts'
import { createThinned, type Thinned } from './thinned.ts'

/** By the clock of the origin alone. */
export interface AckPoint {
  /** Microseconds since the epoch. */
  sentAt: number
  roundTripMs: number
}

export interface ClockPoint {
  at: number
  offsetMs: number
  boundMs: number
}

/** What the pictures of a report need of the records, in bounded memory. */
export interface RecordPictures {
  /** By transport, then by receiver. */
  acks: Readonly<Record<'gossip' | 'direct', Thinned<AckPoint>>>
  /** By node. */
  clocks: Thinned<ClockPoint>
  add(record: StoredEvent): void
}

export function createRecordPictures(): RecordPictures {
  const acks = { gossip: createThinned<AckPoint>(), direct: createThinned<AckPoint>() }
  const clocks = createThinned<ClockPoint>()
  return {
    acks,
    clocks,
    add({ kind, event }) {
      if (kind === 'acked') {
        const { ackNodeId, transport, arrivedAt, roundTripMs } = ackReceived.parse(event)
        const sentAt = (fromTimestamp(arrivedAt) ?? 0) - roundTripMs * 1000
        acks[transport].add(ackNodeId, { sentAt, roundTripMs })
      } else if (kind === 'clock') {
        const { nodeId, at, offsetMs, boundMs } = clockSampled.parse(event)
        clocks.add(nodeId, { at: fromTimestamp(at) ?? 0, offsetMs, boundMs })
      }
    },
  }
}
