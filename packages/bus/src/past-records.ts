import { createParser, type StreamDefinition, type StreamName, streams } from '@corroport/contracts'
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  type JetStreamManager,
  jetstreamManager,
  type StreamState,
} from '@nats-io/jetstream'
import { nanos, nuid } from '@nats-io/transport-node'
import { Type } from 'typebox'
import { type Bus, type Connection, onAborted } from './bus.ts'
import { commonFilter, withoutCovered } from './filters.ts'
import { whileConnected } from './once-connected.ts'

/** A record that lies in a stream; its bytes are what anybody stored under that subject. */
export interface PastRecord {
  stream: StreamName
  sequence: number
  subject: string
  /** The server's time, RFC 3339. */
  storedAt: string
  data: Uint8Array
}

export interface PastQuestion {
  /** As of NATS. Streams that none of them touches are not read. */
  filters: readonly string[]
  since?: Date | undefined
  /** What was stored from then on is left out. */
  until?: Date | undefined
  /** What has this sequence or a higher one is left out; for filters within one stream. */
  before?: number | undefined
  limit: number
  timeoutMs: number
}

export interface PastRecords {
  /** Newest first. */
  records: PastRecord[]
  /** Older ones of the range were left out. */
  isCut: boolean
}

// Of all payloads of one answer, and of what is held of one stream on the way to it.
const maxBytes = 16 * 1024 * 1024

/** The newest records of a range. Throws when NATS is away, or the time over. */
export async function readPast(bus: Bus, question: PastQuestion): Promise<PastRecords> {
  return await whileConnected(bus, question.timeoutMs, async (connection, signal) => {
    const parts = await Promise.all(
      streams.map((stream) => readNewest(connection, stream, question, signal)),
    )
    const found = parts.flatMap(({ records }) => records).toSorted(newestFirst)
    const records = leading(found, question.limit)
    return { records, isCut: parts.some(({ isCut }) => isCut) || records.length < found.length }
  })
}

/** One record; null where the stream has none of this sequence. */
export async function readOne(
  bus: Bus,
  stream: StreamName,
  sequence: number,
  timeoutMs: number,
): Promise<PastRecord | null> {
  return await whileConnected(bus, timeoutMs, async ({ nats }) => {
    const manager = await jetstreamManager(nats, { checkAPI: false, timeout: timeoutMs })
    const message = await manager.streams.getMessage(stream, { seq: sequence })
    if (!message) return null
    const { seq, subject, timestamp, data } = message
    return { stream, sequence: seq, subject, storedAt: timestamp, data }
  })
}

/** How many records lie in a stream. */
export async function countRecords(
  bus: Bus,
  stream: StreamName,
  timeoutMs: number,
): Promise<number> {
  return await whileConnected(bus, timeoutMs, async ({ nats }) => {
    const manager = await jetstreamManager(nats, { checkAPI: false, timeout: timeoutMs })
    return (await manager.streams.info(stream)).state.messages
  })
}

async function readNewest(
  connection: Connection,
  { name, subjects }: StreamDefinition & { name: StreamName },
  { filters: wanted, since, until, before, limit, timeoutMs }: PastQuestion,
  signal: AbortSignal,
): Promise<PastRecords> {
  const filters = withoutCovered(
    wanted.flatMap((filter) => subjects.flatMap((each) => commonFilter(filter, each) ?? [])),
  )
  if (filters.length === 0) return { records: [], isCut: false }
  const manager = await jetstreamManager(connection.nats, { checkAPI: false, timeout: timeoutMs })
  const { state } = await manager.streams.info(name)
  // Times are compared here as well: a server takes none beyond the year 2262.
  const isOutside =
    state.messages === 0 ||
    (since !== undefined && since.getTime() > Date.parse(state.last_ts)) ||
    (until !== undefined && until.getTime() <= Date.parse(state.first_ts))
  if (isOutside) return { records: [], isCut: false }
  await using looks = lookInto(connection, manager, { stream: name, filters, timeoutMs })

  const head = await looks.end(state, until, before)
  const isOlder = since !== undefined && since.getTime() <= Date.parse(state.first_ts)
  const first = await looks.from(since === undefined || isOlder ? 1 : since)
  const window = await narrow(looks, first, head, limit)
  const expected = window.matching - head.matching
  if (expected <= 0) return { records: [], isCut: false }

  const records: PastRecord[] = []
  let bytes = 0
  let isCut = window !== first
  const messages = await connection.jetstream.consumers
    .getConsumerFromInfo(window.info)
    .consume({ max_messages: 1000, abort_on_missing_resource: true })
  using _stop = onAborted(signal, () => messages.stop())
  for await (const message of messages) {
    if (message.seq >= head.sequence) break
    const { seq: sequence, subject, timestamp: storedAt, data } = message
    records.push({ stream: name, sequence, subject, storedAt, data })
    bytes += data.length
    while (records.length > limit || bytes > maxBytes) {
      bytes -= records.shift()?.data.length ?? 0
      isCut = true
    }
    // Not by a count of those that came: some may have been discarded meanwhile.
    if (message.info.pending <= head.matching) break
  }
  await messages.close()
  return { records, isCut }
}

/** A place in a stream. */
interface Look {
  sequence: number
  /** Records from there on that the filters match. */
  matching: number
}

type Window = Look & { info: ConsumerInfo }

// JetStream reads forwards only, but a consumer that is made tells how much lies before it.
function lookInto(
  connection: Connection,
  manager: JetStreamManager,
  { stream, filters, timeoutMs }: { stream: StreamName; filters: string[]; timeoutMs: number },
) {
  const names: string[] = []
  const from = async (place: Date | number): Promise<Window> => {
    const info = await addReader(connection, manager, {
      stream,
      timeoutMs,
      ...(typeof place === 'number'
        ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, place) }
        : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: place.toISOString() }),
      filter_subjects: [...filters],
      ack_policy: AckPolicy.None,
      inactive_threshold: nanos(5000),
      mem_storage: true,
      num_replicas: 1,
    })
    names.push(info.name)
    return { info, sequence: info.delivered.stream_seq + 1, matching: info.num_pending }
  }
  return {
    from,
    async end(
      state: StreamState,
      until: Date | undefined,
      before: number | undefined,
    ): Promise<Look> {
      const behind = { sequence: state.last_seq + 1, matching: 0 }
      if (before !== undefined && before <= state.last_seq) return await from(before)
      // A time that is still to come is behind everything.
      return until && until.getTime() <= Date.parse(state.last_ts) ? await from(until) : behind
    },
    async [Symbol.asyncDispose]() {
      // What is not deleted is forgotten by the server some seconds later.
      await Promise.all(
        names.map((name) => manager.consumers.delete(stream, name).catch(() => false)),
      )
    },
  }
}

const parseCreated = createParser(
  'what JetStream answers to a new consumer',
  Type.Object({ error: Type.Optional(Type.Object({ description: Type.String() })) }),
)

/**
 * The library leaves the name out of the subject where there are several filters. Rights go by the
 * subject, and whoever may make consumers without a name in it may change every durable.
 */
async function addReader(
  { nats }: Connection,
  manager: JetStreamManager,
  {
    stream,
    timeoutMs,
    ...config
  }: Partial<ConsumerConfig> & {
    stream: StreamName
    timeoutMs: number
  },
): Promise<ConsumerInfo> {
  const name = nuid.next()
  const request = { stream_name: stream, action: 'create', config: { ...config, name } }
  const answer = await nats.request(
    `$JS.API.CONSUMER.CREATE.${stream}.${name}`,
    JSON.stringify(request),
    { timeout: timeoutMs },
  )
  const { error } = parseCreated(answer.json())
  if (error) throw new Error(`${stream} cannot be read: ${error.description}`)
  return await manager.consumers.info(stream, name)
}

const mostLooks = 12

/** A window before the end with as many matching records as are wanted, and not many more. */
async function narrow(
  looks: ReturnType<typeof lookInto>,
  first: Window,
  end: Look,
  limit: number,
): Promise<Window> {
  const enough = 4 * limit + 100
  let wide = first
  // As if they lay evenly.
  let tooNarrow = end.sequence
  let place = end.sequence - spread(first, end, 2 * limit)
  for (let tries = 0; tries < mostLooks && wide.matching - end.matching > enough; tries += 1) {
    if (place <= wide.sequence || place >= tooNarrow) {
      place = Math.floor((wide.sequence + tooNarrow) / 2)
    }
    if (place <= wide.sequence) break
    const found = await looks.from(place)
    if (found.matching - end.matching < limit) tooNarrow = place
    else wide = found
    place = end.sequence - 4 * (end.sequence - place)
  }
  return wide
}

function spread(first: Look, end: Look, wanted: number): number {
  const matching = Math.max(1, first.matching - end.matching)
  return Math.ceil(((end.sequence - first.sequence) * wanted) / matching)
}

function newestFirst(one: PastRecord, other: PastRecord): number {
  if (one.stream === other.stream) return other.sequence - one.sequence
  return Date.parse(other.storedAt) - Date.parse(one.storedAt)
}

function leading(records: readonly PastRecord[], limit: number): PastRecord[] {
  let bytes = 0
  const tooMuch = records.findIndex(({ data }, index) => {
    bytes += data.length
    return index >= limit || bytes > maxBytes
  })
  return records.slice(0, tooMuch < 0 ? records.length : tooMuch)
}
