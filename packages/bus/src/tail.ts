import { setTimeout as wait } from 'node:timers/promises'
import { type StreamName, streams } from '@corroport/contracts'
import {
  DeliverPolicy,
  type JetStreamManager,
  type JsMsg,
  jetstreamManager,
  type OrderedConsumerOptions,
} from '@nats-io/jetstream'
import type { Logger } from 'pino'
import { type Bus, type Connection, onAborted } from './bus.ts'
import { onceConnected } from './once-connected.ts'

/** A record as it lies in its stream, not parsed: what a person watching should see. */
export interface TailedRecord {
  subject: string
  text: string
  /** `Nats-Msg-Id`: equal for the same fact. Null for what was published without one. */
  messageId: string | null
  stream: StreamName
  /** Creation time of the stream: a stream made anew counts from 1 again. */
  incarnation: string
  sequence: number
}

/** Where a reader is in each stream: `{ CHANGES: { incarnation, sequence } }`. */
export type TailPosition = Partial<Record<StreamName, { incarnation: string; sequence: number }>>

export interface TailOptions {
  bus: Bus
  log: Logger
  /** A stream that it does not name is read from now on. */
  from: TailPosition
  onRecord: (record: TailedRecord) => void
  /** Records between the position and the first that is still there, or the stream is another one. */
  onGap: (gap: { stream: StreamName; reason: string }) => void
}

/** Reads all streams in order, without acknowledging, and goes on after each loss of NATS. */
export function tail(options: TailOptions): AsyncDisposable {
  const position: TailPosition = structuredClone(options.from)
  return options.bus.onConnected(async (connection, signal) => {
    await Promise.all(
      streams.map(({ name }) => tailStream(name, position, options, connection, signal)),
    )
  })
}

async function tailStream(
  stream: StreamName,
  position: TailPosition,
  options: TailOptions,
  connection: Connection,
  signal: AbortSignal,
): Promise<void> {
  const manager = await jetstreamManager(connection.nats, { checkAPI: false })
  while (!signal.aborted) {
    try {
      const incarnation = await startPosition(stream, position, options, manager)
      const start = position[stream]
      const consumerOptions: Partial<OrderedConsumerOptions> = {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: (start?.sequence ?? 0) + 1,
      }
      const consumer = await connection.jetstream.consumers.get(stream, consumerOptions)
      const messages = await consumer.consume({
        max_messages: 256,
        abort_on_missing_resource: true,
      })
      using _stop = onAborted(signal, () => messages.stop())
      for await (const message of messages) {
        if (signal.aborted) return
        position[stream] = { incarnation, sequence: message.seq }
        options.onRecord(toTailed(stream, incarnation, message))
      }
    } catch (err) {
      if (!signal.aborted) options.log.debug({ err, stream }, 'tail lost')
    }
    await wait(500, undefined, { signal }).catch(() => undefined)
  }
}

/** Sets where to read from; a first look starts behind the newest record. */
async function startPosition(
  stream: StreamName,
  position: TailPosition,
  { onGap }: TailOptions,
  manager: JetStreamManager,
): Promise<string> {
  const info = await manager.streams.info(stream)
  const known = position[stream]
  if (!known) {
    position[stream] = { incarnation: info.created, sequence: info.state.last_seq }
  } else if (known.incarnation !== info.created) {
    onGap({ stream, reason: 'the stream was created anew' })
    position[stream] = { incarnation: info.created, sequence: 0 }
  } else if (known.sequence + 1 < info.state.first_seq) {
    onGap({ stream, reason: `${info.state.first_seq - known.sequence - 1} records were discarded` })
    position[stream] = { incarnation: info.created, sequence: info.state.first_seq - 1 }
  }
  return info.created
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
  }
}
