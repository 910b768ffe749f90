import {
  type Bus,
  findStreamHeads,
  type StreamHead,
  type TailedRecord,
  type TailPosition,
  tail,
} from '@corroport/bus'
import { experimentProgressed, nodeAnnounced, type StreamName } from '@corroport/contracts'
import type { Logger } from 'pino'
import { encodeCursor } from './cursor.ts'
import { ProblemError } from './errors.ts'
import { isWithin, placesOf, resume } from './resume.ts'

/** Where events go: one open page. */
export interface Sink {
  /** `data` is a `LiveEvent` as JSON in one line; the cursor is null for what cannot be resumed. */
  event(name: string, cursor: string | null, data: string): void
  gap(stream: StreamName, reason: string): void
  /** Nothing happened, but this is where a page resumes that got nothing for a while. */
  alive(cursor: string): void
  /** Nothing comes any more; the page may resume with its last cursor. */
  end(): void
}

export interface ReadOptions {
  wants: (subject: string) => boolean
  /** Without it: from now on. */
  from: TailPosition | undefined
  /** Called when reading is certain to begin. */
  open: () => Sink
}

export interface Reading extends Disposable {
  beat(): void
}

export interface Live extends AsyncDisposable {
  readonly readers: number
  /** Throws a `ProblemError` while NATS is away. */
  read(options: ReadOptions): Promise<Reading>
  endAll(): void
}

/** An event as all readers share it; only the cursor between the two halves is each one's own. */
interface LiveRecord extends Omit<TailedRecord, 'text'> {
  name: string
  beforeCursor: string
  afterCursor: string
}

interface Reader {
  wants: (subject: string) => boolean
  sink: Sink
  position: TailPosition
}

/** What all readers share: one look at the streams, and the last records of it. */
interface Hub extends AsyncDisposable {
  /** Before the oldest record that is kept. */
  start: TailPosition
  /** After the newest. */
  head: TailPosition
  kept: LiveRecord[]
  readers: Set<Reader>
}

const keptRecords = 5000
// Less than a page's connection may buffer: all that is kept is written to it at once.
const keptCharacters = 3 * 1024 * 1024
const idleMs = 30_000
const headsTimeoutMs = 1500

export function createLive({ bus, log }: { bus: Bus; log: Logger }): Live {
  let starting: Promise<Hub> | undefined
  let idle: NodeJS.Timeout | undefined
  const all = new Map<Reader, () => void>()

  const stopHub = (): void => {
    const stopped = starting
    starting = undefined
    stopped
      ?.then((hub) => hub[Symbol.asyncDispose]())
      .catch((err: unknown) => log.debug({ err }, 'live events were not started'))
  }

  const getHub = (): Promise<Hub> => {
    if (starting) return starting
    const started = startHub(bus, log, () => {
      if (starting !== started) return
      // Each reader resumes from its own place, with a new hub, and is told what it missed.
      stopHub()
      for (const reader of all.keys()) reader.sink.end()
    })
    starting = started
    started.catch(() => {
      if (starting === started) starting = undefined
    })
    return started
  }

  const leave = (reader: Reader): void => {
    all.get(reader)?.()
    all.delete(reader)
    clearTimeout(idle)
    if (all.size === 0) idle = setTimeout(stopHub, idleMs)
  }

  return {
    get readers() {
      return all.size
    },

    async read({ wants, from, open }) {
      const resumption = from && resume(from, await findHeads(bus))
      const hub = await getHub()
      clearTimeout(idle)
      const position = resumption?.position ?? structuredClone(hub.head)
      const reader: Reader = { wants, position, sink: open() }
      for (const { stream, reason } of resumption?.gaps ?? []) reader.sink.gap(stream, reason)
      all.set(reader, followHub(hub, reader, bus, log))
      return {
        beat: () => reader.sink.alive(encodeCursor(reader.position)),
        [Symbol.dispose]: () => leave(reader),
      }
    },

    endAll() {
      for (const reader of all.keys()) reader.sink.end()
    },

    async [Symbol.asyncDispose]() {
      for (const reader of all.keys()) leave(reader)
      clearTimeout(idle)
      const stopped = starting
      starting = undefined
      await stopped?.then((hub) => hub[Symbol.asyncDispose]()).catch(() => undefined) // never began
    },
  }
}

async function startHub(bus: Bus, log: Logger, onGap: () => void): Promise<Hub> {
  const heads = await findHeads(bus)
  const start = placesOf(heads, ({ last }) => last)
  const kept: LiveRecord[] = []
  let characters = 0
  const keep = (record: LiveRecord): void => {
    kept.push(record)
    characters += record.afterCursor.length
    while (kept.length > keptRecords || characters > keptCharacters) {
      const evicted = kept.shift()
      if (!evicted) return
      characters -= evicted.afterCursor.length
      advance(start, evicted)
    }
  }
  const readers = new Set<Reader>()
  const head = structuredClone(start)

  const tailing = tail({
    bus,
    log,
    from: start,
    onRecord: (tailed) => {
      const record = toLiveRecord(tailed)
      advance(head, record)
      keep(record)
      for (const reader of readers) deliver(reader, record)
    },
    onGap,
  })
  // Told each second, so that a page that connects again soon knows where they stand.
  const showHint = (subject: string, payload: unknown): void => {
    const data = JSON.stringify({ subject, cursor: null, payload })
    for (const { wants, sink } of readers)
      if (wants(subject)) sink.event(nameOf(subject), null, data)
  }
  const announcements = bus.hear(nodeAnnounced, (payload) =>
    showHint(nodeAnnounced.subject(payload), payload),
  )
  const progress = bus.hear(experimentProgressed, (payload) =>
    showHint(experimentProgressed.subject(payload), payload),
  )

  return {
    start,
    head,
    kept,
    readers,
    async [Symbol.asyncDispose]() {
      await Promise.all([tailing, announcements, progress].map((one) => one[Symbol.asyncDispose]()))
    },
  }
}

/** Lets a reader follow the hub: at once, or after a look of its own at what the hub has not kept. */
function followHub(hub: Hub, reader: Reader, bus: Bus, log: Logger): () => void {
  let catchingUp: AsyncDisposable | undefined
  const join = (): void => {
    for (const record of hub.kept) deliver(reader, record)
    hub.readers.add(reader)
  }
  const stopCatchingUp = (): void => {
    const stopped = catchingUp
    catchingUp = undefined
    void stopped?.[Symbol.asyncDispose]()
  }
  if (isWithin(reader.position, hub.start)) {
    join()
  } else {
    catchingUp = tail({
      bus,
      log,
      from: reader.position,
      onRecord: (tailed) => {
        if (!catchingUp) return
        deliver(reader, toLiveRecord(tailed))
        if (!isWithin(reader.position, hub.start)) return
        stopCatchingUp()
        join()
      },
      // The place has just been compared with the streams; it is compared again at the next try.
      onGap: () => reader.sink.end(),
    })
  }
  return () => {
    stopCatchingUp()
    hub.readers.delete(reader)
  }
}

function deliver(reader: Reader, record: LiveRecord): void {
  const seen = reader.position[record.stream]
  if (seen?.incarnation === record.incarnation && record.sequence <= seen.sequence) return
  advance(reader.position, record)
  if (!reader.wants(record.subject)) return
  const cursor = encodeCursor(reader.position)
  reader.sink.event(record.name, cursor, record.beforeCursor + cursor + record.afterCursor)
}

function advance(position: TailPosition, { stream, incarnation, sequence }: LiveRecord): void {
  position[stream] = { incarnation, sequence }
}

function toLiveRecord({ subject, text, ...place }: TailedRecord): LiveRecord {
  return {
    ...place,
    subject,
    name: nameOf(subject),
    beforeCursor: `{"subject":${JSON.stringify(subject)},"cursor":"`,
    afterCursor: `","payload":${oneLineOfJson(text)}}`,
  }
}

// Anyone with access to NATS can store what is no JSON; it is shown as text.
function oneLineOfJson(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return /[\r\n]/.test(text) ? JSON.stringify(value) : text
  } catch {
    return JSON.stringify(text)
  }
}

/** `corro.ack.received.node1` is called `ack.received`. */
function nameOf(subject: string): string {
  return subject.split('.').slice(1, 3).join('.')
}

async function findHeads(bus: Bus): Promise<StreamHead[]> {
  return await findStreamHeads(bus, headsTimeoutMs).catch((cause: unknown) => {
    throw new ProblemError(503, 'nats or its streams cannot be reached: there are no live events', {
      cause,
      retryAfterSeconds: 1,
    })
  })
}
