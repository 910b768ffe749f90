import { type StreamName, streams, toTimestamp } from '@corroport/contracts'
import {
  DeliverPolicy,
  type JsMsg,
  jetstreamManager,
  type OrderedConsumerOptions,
} from '@nats-io/jetstream'
import { type Bus, type Connection, onAborted } from './bus.ts'
import { onceConnected } from './once-connected.ts'

/** One record's place among all. */
export interface RecordPlace {
  stream: StreamName
  /** Creation time of the stream: a stream made anew counts from 1 again. */
  incarnation: string
  sequence: number
}

/** A record as it lies in its stream, not parsed: what a person watching should see. */
export interface TailedRecord extends RecordPlace {
  subject: string
  text: string
  /** `Nats-Msg-Id`: equal for the same fact. Null for what was published without one. */
  messageId: string | null
  /** By the server's clock, RFC 3339. */
  storedAt: string
}

/** Where a reader is in each stream: `{ CHANGES: { incarnation, sequence } }`. */
export type TailPosition = Partial<Record<StreamName, { incarnation: string; sequence: number }>>

export interface TailOptions {
  connection: Connection
  /** A stream that it does not name is not read. */
  from: TailPosition
  /** The next record of its stream waits until what is returned resolves. */
  onRecord: (record: TailedRecord) => void | Promise<void>
  /** Nothing is left up to there, though the last records before it may have been deleted. */
  onEnd?: (place: RecordPlace) => void
  signal: AbortSignal
}

/**
 * Reads all streams in order, without acknowledging, until the signal is aborted. Rejects when one of
 * them cannot be read on from its place: the position must then be held against the streams anew.
 */
export async function tail({ from, signal, ...options }: TailOptions): Promise<void> {
  // One that is lost ends the others.
  const lost = new AbortController()
  const stop = AbortSignal.any([signal, lost.signal])
  const tails = streams.map(async ({ name }) => {
    const place = from[name]
    if (!place) return
    try {
      await tailStream({ ...options, stream: name, place, signal: stop })
    } catch (error) {
      lost.abort()
      if (!signal.aborted) throw error
    }
  })
  const failed = (await Promise.allSettled(tails)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

interface StreamTail extends Omit<TailOptions, 'from'> {
  stream: StreamName
  place: { incarnation: string; sequence: number }
}

// A silent stream says each two seconds that it is there.
const heartbeatMs = 2000
// After that the server forgets whoever stopped reading.
const idleMs = 30_000

async function tailStream(options: StreamTail): Promise<void> {
  const { stream, place, connection, onRecord, onEnd, signal } = options
  const { incarnation } = place
  const manager = await jetstreamManager(connection.nats, { checkAPI: false })
  let next = place.sequence + 1
  /** Gives the last sequence; throws when what comes next is gone. */
  const check = async (): Promise<number> => {
    const { created, state } = await manager.streams.info(stream)
    if (created !== incarnation) throw new Error(`${stream} was created anew`)
    if (state.first_seq > next) throw new Error(`records of ${stream} were discarded`)
    return state.last_seq
  }
  const sequence = await check()
  const sayEnd = (pending: number): void => {
    if (pending === 0 && next <= sequence) onEnd?.({ stream, incarnation, sequence })
  }
  const consumerOptions: Partial<OrderedConsumerOptions> = {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: next,
    inactive_threshold: idleMs,
  }
  const consumer = await connection.jetstream.consumers.get(stream, consumerOptions)
  sayEnd((await consumer.info(true)).num_pending)
  const messages = await consumer.consume({
    max_messages: 256,
    idle_heartbeat: heartbeatMs,
    abort_on_missing_resource: true,
  })
  using _end = { [Symbol.dispose]: () => messages.stop() }
  using _stop = onAborted(signal, () => messages.stop())
  void (async () => {
    for await (const { type } of messages.status()) {
      // The library goes on by itself, on another stream of that name too.
      if (type === 'ordered_consumer_recreated') await check()
    }
  })().catch((error: unknown) => messages.stop(asError(error)))
  for await (const message of messages) {
    if (signal.aborted) return
    // Records within may have been deleted one by one; those before the first were discarded.
    if (message.seq > next) await check()
    next = message.seq + 1
    await onRecord(toTailed(stream, incarnation, message))
    sayEnd(message.info.pending)
  }
  if (!signal.aborted) throw new Error(`${stream} was lost`)
}

function asError(error: unknown): Error {
  return Error.isError(error) ? error : new Error(String(error))
}

/** Everything that lies in a stream now, oldest first. */
export async function readStream(bus: Bus, stream: StreamName): Promise<TailedRecord[]> {
  return await onceConnected(bus, async ({ nats, jetstream }, signal) => {
    const manager = await jetstreamManager(nats, { checkAPI: false })
    const { created, state } = await manager.streams.info(stream)
    const records: TailedRecord[] = []
    if (state.messages === 0) return records
    const consumer = await jetstream.consumers.get(stream, { deliver_policy: DeliverPolicy.All })
    const messages = await consumer.consume({ max_messages: 1000 })
    using _stop = onAborted(signal, () => messages.stop())
    for await (const message of messages) {
      records.push(toTailed(stream, created, message))
      if (message.seq >= state.last_seq) break
    }
    return records
  })
}

function toTailed(stream: StreamName, incarnation: string, message: JsMsg): TailedRecord {
  return {
    subject: message.subject,
    text: message.string(),
    messageId: message.headers?.get('Nats-Msg-Id') || null,
    stream,
    incarnation,
    sequence: message.seq,
    storedAt: toTimestamp(Number(message.timestampNanos / 1000n)),
  }
}
