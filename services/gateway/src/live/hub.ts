import { setTimeout as wait } from 'node:timers/promises'
import {
  type Bus,
  type Connection,
  findStreamHeads,
  type RecordPlace,
  type StreamHead,
  type TailPosition,
  tail,
} from '@corroport/bus'
import type { Logger } from 'pino'
import { createTurns } from '../turns.ts'
import { encodeCursor } from './cursor.ts'
import { type LiveRecord, toLiveRecord } from './live-record.ts'
import type { Reader } from './reader.ts'
import { earliest, isSame, isWithin, placesOf, resume } from './resume.ts'

export interface HubOptions {
  heads: StreamHead[]
  /** Those that wait; they are told what they missed for ever. */
  readers: Iterable<Reader>
  bus: Bus
  connection: Connection
  log: Logger
  signal: AbortSignal
}

/** What all readers share: one look at the streams, and the last records of it. */
export interface Hub {
  add(reader: Reader): void
  remove(reader: Reader): void
  /** Until the signal is aborted; rejects when a stream cannot be read on. */
  run(): Promise<void>
}

const keptRecords = 5000
// Less than a page's connection may buffer: all that is kept is written to it at once.
const keptBytes = 2 * 1024 * 1024
// After a restart all pages come at once, and each that catches up costs a consumer for every stream.
const maxCatchingUp = 16
// Then the next ones have theirs: a page that reads slowly must not hold them all up.
const turnMs = 10_000
export const headsTimeoutMs = 1500

export function createHub({ heads, readers, bus, connection, log, signal }: HubOptions): Hub {
  const followed = new Set<Reader>()
  const catchingUp = new Map<Reader, AbortController>()
  const kept: LiveRecord[] = []
  const turns = createTurns(maxCatchingUp)
  let bytes = 0

  for (const reader of readers) place(reader, heads)
  const known = Array.from(readers, ({ position }) => position ?? {})
  /** Before the oldest record that is kept. */
  const start = earliest(known, heads, keptRecords)
  /** Behind the newest. Readers that stand there have this very object, and so one cursor. */
  const head = structuredClone(start)

  const keep = (record: LiveRecord): void => {
    kept.push(record)
    bytes += record.sizeBytes
    while (kept.length > keptRecords || bytes > keptBytes) {
      const evicted = kept.shift()
      if (!evicted) return
      bytes -= evicted.sizeBytes
      advance(start, evicted)
    }
  }

  const give = (reader: Reader, record: LiveRecord): void => {
    const { position } = reader
    const seen = position?.[record.stream]
    if (!position || (seen && record.sequence <= seen.sequence)) return
    advance(position, record)
    reader.take(record.subject, () => record.frame(encodeCursor(position)))
  }

  const follow = (reader: Reader): void => {
    for (const record of kept) give(reader, record)
    if (reader.position && isSame(reader.position, head)) reader.position = head
    followed.add(reader)
  }

  const onRecord = (record: LiveRecord): void => {
    advance(head, record)
    keep(record)
    let shared: string | undefined
    for (const reader of followed) {
      if (reader.position === head) {
        reader.take(record.subject, () => (shared ??= record.frame(encodeCursor(head))))
      } else {
        give(reader, record)
        if (reader.position && isSame(reader.position, head)) reader.position = head
      }
    }
  }

  /** Over a look of its own at what is not kept. */
  const catchUp = async (reader: Reader, stop: AbortSignal): Promise<void> => {
    while (!stop.aborted) {
      using _turn = await turns.take()
      const over = AbortSignal.timeout(turnMs)
      try {
        if (stop.aborted) return
        const found = await findStreamHeads(bus, headsTimeoutMs)
        if (stop.aborted) return
        place(reader, found)
        const reached = new AbortController()
        const join = (): void => {
          if (stop.aborted || !isWithin(reader.position ?? {}, start)) return
          reached.abort()
          catchingUp.delete(reader)
          follow(reader)
        }
        join()
        if (reached.signal.aborted) return
        await tail({
          connection,
          from: reader.position ?? {},
          signal: AbortSignal.any([stop, reached.signal, over]),
          onRecord(record) {
            if (stop.aborted || reached.signal.aborted) return undefined
            give(reader, toLiveRecord(record))
            join()
            return reader.drained()
          },
          onEnd(end) {
            if (stop.aborted || reached.signal.aborted || !reader.position) return
            advance(reader.position, end)
            join()
          },
        })
        if (reached.signal.aborted) return
      } catch (err) {
        if (!stop.aborted) log.debug({ err }, 'reader of live events placed anew')
        await wait(250, undefined, { signal: stop }).catch(() => undefined)
      }
    }
  }

  const fetch = (reader: Reader): void => {
    const stopping = new AbortController()
    catchingUp.set(reader, stopping)
    void catchUp(reader, AbortSignal.any([signal, stopping.signal]))
  }

  for (const reader of readers) {
    if (isWithin(reader.position ?? {}, start)) follow(reader)
    else fetch(reader)
  }

  return {
    add(reader) {
      reader.position ??= head
      // What lies ahead of the hub may be a place that never was; the streams know.
      const isKept = isWithin(reader.position, start) && isWithin(head, reader.position)
      if (isKept) follow(reader)
      else fetch(reader)
    },
    remove(reader) {
      catchingUp.get(reader)?.abort()
      catchingUp.delete(reader)
      followed.delete(reader)
      // What it shares goes on with the hub.
      reader.position = structuredClone(reader.position)
    },
    run: () =>
      tail({
        connection,
        from: start,
        signal,
        onRecord: (tailed) => onRecord(toLiveRecord(tailed)),
      }),
  }
}

/** Sets where a reader goes on, and says what it missed for ever. */
function place(reader: Reader, heads: StreamHead[]): void {
  if (!reader.position) {
    reader.position = placesOf(heads, ({ last }) => last)
    return
  }
  const { position, gaps } = resume(reader.position, heads)
  reader.position = position
  for (const gap of gaps) reader.tell('gap', gap)
}

function advance(position: TailPosition, { stream, incarnation, sequence }: RecordPlace): void {
  position[stream] = { incarnation, sequence }
}
