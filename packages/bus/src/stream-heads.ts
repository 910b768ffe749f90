import { type StreamName, streams } from '@corroport/contracts'
import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream'
import type { Bus } from './bus.ts'
import { onceConnected } from './once-connected.ts'

/** The bounds of a stream. */
export interface StreamHead {
  stream: StreamName
  /** Creation time of the stream: a stream made anew counts from 1 again. */
  incarnation: string
  first: number
  last: number
}

/** The bounds of every stream, for places that hold for all of them. Throws when NATS is away or silent. */
export async function findStreamHeads(bus: Bus, timeoutMs: number): Promise<StreamHead[]> {
  return await Promise.all(streams.map(({ name }) => findStreamHead(bus, name, timeoutMs)))
}

/** Throws when NATS is away or silent, or has no such stream. */
export async function findStreamHead(
  bus: Bus,
  stream: StreamName,
  timeoutMs: number,
): Promise<StreamHead> {
  if (!bus.isConnected) throw new Error('nats is not connected')
  return await onceConnected(bus, async ({ nats }) => {
    const manager = await jetstreamManager(nats, { checkAPI: false, timeout: timeoutMs })
    const { created, state } = await manager.streams.info(stream)
    return { stream, incarnation: created, first: state.first_seq, last: state.last_seq }
  })
}

const streamNotFound = 10059

export function isStreamMissing(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === streamNotFound
}
