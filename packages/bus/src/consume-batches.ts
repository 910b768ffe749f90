import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import type { DurableDefinition, StreamName } from '@corroport/contracts'
import {
  DeliverPolicy,
  type JetStreamClient,
  type JsMsg,
  jetstreamManager,
} from '@nats-io/jetstream'
import type { Logger } from 'pino'
import { type Bus, type Connection, onAborted } from './bus.ts'
import { adviceAbout, describeProblem } from './connection-problem.ts'
import type { Binding } from './consume.ts'
import { tellDead } from './dead-letter.ts'
import type { StreamHead } from './stream-heads.ts'

/** A record as it lies in its stream, not parsed. */
export interface StoredRecord {
  readonly stream: StreamName
  /** Creation time of the stream: a stream made anew counts from 1 again. */
  readonly incarnation: string
  readonly sequence: number
  /** When the server stored it: of one sequence, no two records have the same time. */
  readonly storedAtNs: bigint
  readonly subject: string
  readonly data: Uint8Array
  /** `Nats-Msg-Id`: equal for the same fact. Null for what was published without one. */
  readonly messageId: string | null
  /** Of who told it. Reading it costs about as much as parsing a small payload. */
  readonly traceparent: string | undefined
  /** How many records the stream had behind this one when it was delivered. */
  readonly behind: number
  /** Throws when it is no JSON. */
  json(): unknown
}

export interface ConsumeBatchesOptions<T> {
  bus: Bus
  log: Logger
  service: string
  /** One without filters, whose `answers` are `all`. */
  durable: DurableDefinition
  maxRecords?: number
  /** A batch that is not full waits so long for more. */
  maxWaitMs?: number
  /**
   * The last sequence of this incarnation that the handler has dealt with; 0 when there is none. It
   * decides what comes next, not the server: after a loss on either side nothing is left out.
   * `recordAt` shows what the stream has at a sequence, which need not be what the handler saw there.
   */
  position: (
    head: StreamHead,
    recordAt: (sequence: number) => Promise<StoredRecord | undefined>,
  ) => Promise<number>
  /** What the handler makes of one record, while the batch before is handled. Must not throw. */
  read: (record: StoredRecord) => T
  /**
   * One batch at a time, in the order of the stream. What it throws ends the binding; the next one
   * begins at its position. `bury` sets a record aside in DEAD.
   */
  handle: (
    batch: readonly T[],
    bury: (record: StoredRecord, reason: string) => Promise<void>,
  ) => Promise<void>
}

export interface BatchConsumption extends Binding {
  /** Why it is not bound, where it was tried. */
  readonly problem: string | undefined
}

const maxBatchBytes = 8 * 1024 * 1024
// Asked for ahead. A record may have 1 MB, a pull is bounded by its count or by its bytes but not by
// both, and more of them come no faster.
const prefetch = 128
const firstDelayMs = 250
const longestDelayMs = 10_000
// Messages that are here already would keep all sockets waiting until the last of them was read, and
// with them the database that stores the batch before.
const turnEvery = 32

/**
 * Handles the records of a durable in batches. The last record of a batch is acknowledged, and all
 * before it, when the handler has returned. The handler sees records again after a loss.
 */
export function consumeBatches<T>(options: ConsumeBatchesOptions<T>): BatchConsumption {
  const { bus, log, durable } = options
  let isBound = false
  let problem: string | undefined

  const bound = (): void => {
    if (isBound) return
    isBound = true
    problem = undefined
    log.info({ durable: durable.name, stream: durable.stream }, 'consumer bound')
  }

  const worker = bus.onConnected(async (connection, signal) => {
    let failures = 0
    let isFailing = false
    while (!signal.aborted) {
      try {
        await handleUntilLost(options, connection, signal, {
          // What the handler threw at comes again at once.
          onBound: () => {
            if (!isFailing) bound()
          },
          onHandled: () => {
            failures = 0
            isFailing = false
            bound()
          },
          onFailing: () => {
            isFailing = true
          },
        })
      } catch (err) {
        failures += 1
        problem = describeProblem(err)
        if (!signal.aborted && failures === 1) {
          const advice = adviceAbout(err)
          log.warn(
            { err, advice, durable: durable.name, stream: durable.stream },
            'batches interrupted',
          )
        }
      }
      isBound = false
      const delayMs = Math.min(firstDelayMs * 2 ** failures, longestDelayMs)
      await wait(delayMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined)
    }
  })

  return {
    get isBound() {
      return isBound
    },
    get problem() {
      return problem
    },
    [Symbol.asyncDispose]: () => worker[Symbol.asyncDispose](),
  }
}

interface Observer {
  onBound: () => void
  onHandled: () => void
  /** The handler threw. */
  onFailing: () => void
}

async function handleUntilLost<T>(
  options: ConsumeBatchesOptions<T>,
  { nats, jetstream }: Connection,
  signal: AbortSignal,
  { onBound, onHandled, onFailing }: Observer,
): Promise<void> {
  const { durable, maxRecords = 2000, maxWaitMs = 50 } = options
  const { stream } = durable
  const manager = await jetstreamManager(nats, { checkAPI: false })
  // In this order: what is made anew in between shows by its deliveries.
  const { delivered } = await manager.consumers.info(stream, durable.name)
  const { created: incarnation, state } = await manager.streams.info(stream)
  const head = { stream, incarnation, first: state.first_seq, last: state.last_seq }
  const consumer = await jetstream.consumers.get(stream, durable.name)
  // Of what was gathered, and of what was handled.
  let last = await options.position(head, (at) => recordAt(jetstream, head, at, signal))
  let handled = last
  let lastDelivery = delivered.consumer_seq
  const batches = createBatches({
    maxRecords,
    maxWaitMs,
    read: options.read,
    handle: async ({ values, last: lastRecord, lastDelivered }) => {
      await options.handle(values, (record, reason) => bury(options, jetstream, record, reason))
      handled = lastRecord.sequence
      lastDelivered?.acknowledge()
      onHandled()
    },
    onFailed: (error) => {
      onFailing()
      messages?.stop(error)
    },
  })
  const gather = (message: JsMsg, isDelivered: boolean): Promise<void> | undefined => {
    last = message.seq
    return batches.add(new PulledRecord(stream, incarnation, message, isDelivered))
  }
  const gatherFromStream = async (upTo: number): Promise<void> => {
    if (upTo <= last) return
    const missed = { stream, from: last + 1, to: upTo }
    for await (const message of readRange(jetstream, missed, signal)) await gather(message, false)
    // What was not read yet is not missing.
    if (!signal.aborted) last = upTo
  }
  let messages: Awaited<ReturnType<typeof consumer.consume>> | undefined
  using _stop = onAborted(signal, () => messages?.stop())
  try {
    // Whoever read before this one may have records in hand that the server gives again only after
    // their wait is over, behind newer ones.
    await gatherFromStream(delivered.stream_seq)
    messages = await consumer.consume({
      max_messages: prefetch,
      expires: 10_000,
      idle_heartbeat: 2000,
      abort_on_missing_resource: true,
    })
    if (batches.failure) throw batches.failure
    if (signal.aborted) return
    onBound()
    for await (const message of messages) {
      if (signal.aborted) break
      const { deliverySequence } = message.info
      // Counted anew: the stream was deleted and made again while this ran.
      if (deliverySequence <= lastDelivery) throw new Error('the consumer is another one')
      lastDelivery = deliverySequence
      if (message.seq % turnEvery === 0) await turn()
      if (message.seq > last + 1) await gatherFromStream(message.seq - 1)
      if (message.seq === last + 1) await gather(message, true)
      else if (message.seq <= handled) message.ack()
    }
  } finally {
    messages?.stop()
    await batches[Symbol.asyncDispose]()
  }
}

class PulledRecord implements StoredRecord {
  readonly stream: StreamName
  readonly incarnation: string
  /** By the durable, rather than read from the stream. */
  readonly isDelivered: boolean
  readonly #message: JsMsg

  constructor(stream: StreamName, incarnation: string, message: JsMsg, isDelivered: boolean) {
    this.stream = stream
    this.incarnation = incarnation
    this.isDelivered = isDelivered
    this.#message = message
  }

  get sequence(): number {
    return this.#message.seq
  }

  get storedAtNs(): bigint {
    return this.#message.timestampNanos
  }

  get subject(): string {
    return this.#message.subject
  }

  get data(): Uint8Array {
    return this.#message.data
  }

  get messageId(): string | null {
    return this.#message.headers?.get('Nats-Msg-Id') || null
  }

  get traceparent(): string | undefined {
    return this.#message.headers?.get('traceparent') || undefined
  }

  get behind(): number {
    return this.#message.info.pending
  }

  get deliveries(): number {
    return this.#message.info.deliveryCount
  }

  json(): unknown {
    return this.#message.json()
  }

  acknowledge(): void {
    this.#message.ack()
  }
}

interface Batch<T> {
  values: T[]
  bytes: number
  last: PulledRecord
  /** One that was read beside the durable cannot be acknowledged. */
  lastDelivered: PulledRecord | undefined
}

interface Batches extends AsyncDisposable {
  readonly failure: Error | undefined
  /** Waits while one batch is handled and the next is full. Throws what a handler threw. */
  add(record: PulledRecord): Promise<void> | undefined
}

/** Gathers the next batch while one is handled. Disposing waits for that one, and drops the next. */
function createBatches<T>(options: {
  maxRecords: number
  maxWaitMs: number
  read: (record: StoredRecord) => T
  handle: (batch: Batch<T>) => Promise<void>
  onFailed: (error: Error) => void
}): Batches {
  const { maxRecords, maxWaitMs, read, handle, onFailed } = options
  let gathering: Batch<T> | undefined
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let failure: Error | undefined
  let isClosed = false

  const isRunning = (): boolean => running !== undefined
  const flush = async (): Promise<void> => {
    // Another flush that waited for the same batch may have begun the next one.
    while (isRunning()) await running
    if (failure) throw failure
    if (isClosed || !gathering) return
    clearTimeout(timer)
    timer = undefined
    const batch = gathering
    gathering = undefined
    running = handle(batch)
      .catch((error: unknown) => {
        failure = Error.isError(error) ? error : new Error(String(error))
        onFailed(failure)
      })
      .finally(() => {
        running = undefined
      })
  }

  return {
    get failure() {
      return failure
    },
    add(record) {
      gathering ??= { values: [], bytes: 0, last: record, lastDelivered: undefined }
      gathering.values.push(read(record))
      gathering.bytes += record.data.length
      gathering.last = record
      if (record.isDelivered) gathering.lastDelivered = record
      if (gathering.values.length >= maxRecords || gathering.bytes >= maxBatchBytes) return flush()
      timer ??= setTimeout(() => {
        timer = undefined
        flush().catch(() => undefined) // `onFailed` has ended the binding
      }, maxWaitMs)
      return undefined
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
      clearTimeout(timer)
      await running
    },
  }
}

const readWaitMs = 2000

async function recordAt(
  jetstream: JetStreamClient,
  { stream, incarnation, first, last }: StreamHead,
  sequence: number,
  signal: AbortSignal,
): Promise<StoredRecord | undefined> {
  // The server would wait in vain for what comes there.
  if (sequence < first || sequence > last) return undefined
  const range = { stream, from: sequence, to: sequence }
  for await (const message of readRange(jetstream, range, signal)) {
    return new PulledRecord(stream, incarnation, message, false)
  }
  return undefined
}

/** What lies in that part of a stream. */
async function* readRange(
  jetstream: JetStreamClient,
  { stream, from, to }: { stream: string; from: number; to: number },
  signal: AbortSignal,
): AsyncGenerator<JsMsg> {
  const consumer = await jetstream.consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
  })
  try {
    let next = from
    while (next <= to && !signal.aborted) {
      // All at once: a fetch that is read slowly believes that the server fell silent. One that asks
      // for more than there is waits for it in vain.
      const messages = await Array.fromAsync(
        await consumer.fetch({
          max_messages: Math.min(prefetch, to - next + 1),
          expires: readWaitMs,
        }),
      )
      for (const message of messages) {
        if (signal.aborted || message.seq > to) return
        yield message
      }
      const last = messages.at(-1)
      // A server that is slow may have given nothing in that time.
      const pending = last ? last.info.pending : (await consumer.info()).num_pending
      if (pending === 0) return
      if (last) next = last.seq + 1
    }
  } finally {
    // The server would keep it for five minutes.
    await consumer.delete().catch(() => undefined)
  }
}

async function bury<T>(
  { log, durable, service }: ConsumeBatchesOptions<T>,
  jetstream: JetStreamClient,
  record: StoredRecord,
  reason: string,
): Promise<void> {
  const { stream, sequence, subject, messageId, data } = record
  const durableName = durable.name
  const deliveries = record instanceof PulledRecord ? record.deliveries : 1
  const refused = { service, durable: durableName, stream, sequence, subject, messageId }
  await tellDead(jetstream, { ...refused, deliveries, reason, data })
  log.error({ stream, sequence, subject, reason: reason.slice(0, 200) }, 'record refused')
}
