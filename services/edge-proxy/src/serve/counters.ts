import { mostBackends } from '../balance/shared-backends.ts'
import { floatAt } from '../balance/typed-arrays.ts'

/** What a thread counts of all its connections. */
export const totals = [
  'accepted',
  'ended',
  'stuck', // given the backend that their client had before
  'country',
  'region',
  'ownRegion',
  'anywhere',
  'retried',
  'refusedFull',
  'refusedClientFull',
  'refusedHeader',
  'refusedServerName',
  'refusedHandshake',
  'refusedNoBackend',
  'refusedUnreachable',
  'refusedHere', // no descriptors or ports left
  'brokenByClient',
  'brokenByBackend',
  'idle',
  'cutOff',
  'acceptErrors',
  'connects',
  'connectSeconds',
] as const
export type Total = (typeof totals)[number]

/** What a thread counts of each backend, by slot. Bytes: sent is to the backend, received from it. */
export const perSlot = ['connections', 'errors', 'bytesSent', 'bytesReceived', 'connectMs'] as const
export type PerSlot = (typeof perSlot)[number]

/** Upper ends of the histogram of connect times, in seconds. */
export const connectBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
] as const

const totalOf = new Map(totals.map((name, index) => [name, index]))
const slotFieldOf = new Map(perSlot.map((name, index) => [name, index]))
const floats = totals.length + connectBuckets.length + perSlot.length * mostBackends

/** Written by one thread, read by all. */
export interface Counters {
  count(total: Total, by?: number): void
  countOf(slot: number, field: PerSlot, by: number): void
  /** How long a backend took to accept. */
  connected(slot: number, ms: number): void
  total(name: Total): number
  /** Connect times up to each of `connectBuckets` and above the one before. */
  readonly buckets: readonly number[]
  of(slot: number, field: PerSlot): number
}

export function createCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer(floats * Float64Array.BYTES_PER_ELEMENT)
}

export function openCounters(buffer: SharedArrayBuffer): Counters {
  const values = new Float64Array(buffer)
  const firstOfSlots = totals.length + connectBuckets.length
  const indexOf = (slot: number, field: PerSlot): number =>
    firstOfSlots + (slotFieldOf.get(field) ?? 0) * mostBackends + slot
  const add = (index: number, by: number): void => {
    values[index] = floatAt(values, index) + by
  }
  const count = (total: Total, by = 1): void => add(totalOf.get(total) ?? 0, by)
  return {
    count,
    countOf: (slot, field, by) => add(indexOf(slot, field), by),
    connected(slot, ms) {
      const seconds = ms / 1000
      count('connects')
      count('connectSeconds', seconds)
      const bucket = connectBuckets.findIndex((end) => seconds <= end)
      if (bucket >= 0) add(totals.length + bucket, 1)
      values[indexOf(slot, 'connectMs')] = ms
    },
    total: (name) => floatAt(values, totalOf.get(name) ?? 0),
    get buckets() {
      return connectBuckets.map((_, index) => floatAt(values, totals.length + index))
    },
    of: (slot, field) => floatAt(values, indexOf(slot, field)),
  }
}
