import { setTimeout as wait } from 'node:timers/promises'
import {
  aborted,
  type Bus,
  type Connection,
  findStreamHeads,
  messageOf,
  onAborted,
} from '@corroport/bus'
import type { ClusterStatus } from '@corroport/contracts'
import type { Logger } from 'pino'
import { encodeCursor } from './cursor.ts'
import { hearHints } from './hints.ts'
import { createHub, type Hub, headsTimeoutMs } from './hub.ts'
import { hintFrame } from './live-record.ts'
import { createReader, type Outlet, type Reader, type ReaderOptions } from './reader.ts'
import { createSharedBytes } from './shared-bytes.ts'
import { createTicker } from './ticker.ts'

export interface Live extends AsyncDisposable {
  readonly readers: number
  /** At once, whether NATS is there or not; until it is disposed. */
  read(options: ReaderOptions): Disposable
  /** At once instead of with the next second: it changed. */
  tellStatus(): void
  endAll(): void
}

export interface LiveDeps {
  bus: Bus
  log: Logger
  currentStatus: () => ClusterStatus
}

const tickMs = 20
const beatMs = 1000
// The connection itself is given up only after 20 s.
const answerMs = 1500
const pauseMs = 250
const idleMs = 30_000
const notConnected = 'nats is not connected'

export function createLive({ bus, log, currentStatus }: LiveDeps): Live {
  const readers = new Set<Reader>()
  let running: AsyncDisposable | undefined
  let idle: NodeJS.Timeout | undefined
  let hub: Hub | undefined
  /** Why no records can be read now. */
  let absence: string | null = null

  const shared = createSharedBytes()
  const ticker = createTicker(tickMs, () => {
    for (const reader of readers) reader.flush()
    shared.forget()
  })
  const outlet: Outlet = { ask: () => ticker.ask(), encode: (frames) => shared.of(frames) }

  const setAbsence = (reason: string | null): void => {
    if (absence === reason) return
    const wasAway = absence !== null
    absence = reason
    for (const reader of readers) {
      if (reason !== null) reader.tell('away', { reason })
      else if (wasAway) reader.tell('back', {})
    }
  }

  const statusFrame = (): string => `event: status\ndata: ${JSON.stringify(currentStatus())}\n\n`

  /** So that a page notices a dead network, and resumes where it stood though nothing happened. */
  const beat = (): void => {
    let status: string | undefined
    const cursors = new Map<Reader['position'], string>()
    for (const reader of readers) {
      if (!reader.isStillAllowed()) {
        reader.tell('denied', { reason: 'the right to read ended' })
        reader.end()
        continue
      }
      reader.turn()
      if (reader.wantsStatus) {
        status ??= statusFrame()
        reader.push(status)
      }
      let alive = cursors.get(reader.position)
      if (alive === undefined) {
        alive = aliveFrame(reader)
        cursors.set(reader.position, alive)
      }
      reader.push(alive)
    }
  }

  /** Reads with one connection, from where each reader is, as often as it takes. */
  const follow = async (connection: Connection, signal: AbortSignal): Promise<void> => {
    using _lost = onAborted(signal, () => setAbsence(notConnected))
    void watchAnswers(connection, signal)
    while (!signal.aborted) {
      const stopping = new AbortController()
      let own: Hub | undefined
      try {
        const heads = await findStreamHeads(bus, headsTimeoutMs)
        if (signal.aborted) return
        const stop = AbortSignal.any([signal, stopping.signal])
        own = createHub({ heads, readers, bus, connection, log, signal: stop })
        hub = own
        setAbsence(null)
        for (const reader of readers) reader.push(aliveFrame(reader))
        await own.run()
      } catch (err) {
        if (signal.aborted) return
        log.debug({ err }, 'live events cannot be read')
        setAbsence(messageOf(err))
        await wait(pauseMs, undefined, { signal }).catch(() => undefined)
      } finally {
        stopping.abort()
        for (const reader of readers) own?.remove(reader)
        if (hub === own) hub = undefined
      }
    }
  }

  /** A server that hangs says nothing and keeps the connection. */
  const watchAnswers = async ({ nats }: Connection, signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      const answer = nats.flush().then(
        () => true,
        () => true, // closed, which the signal says
      )
      const isSilent = !(await Promise.race([answer, wait(answerMs, false, { ref: false })]))
      if (isSilent && !signal.aborted) {
        setAbsence('nats does not answer')
        await Promise.race([answer, aborted(signal)])
        if (!signal.aborted && hub) setAbsence(null)
      }
      await wait(beatMs, undefined, { signal }).catch(() => undefined)
    }
  }

  const start = (): AsyncDisposable => {
    absence = bus.isConnected ? null : notConnected
    const working = [
      bus.onConnected(follow),
      hearHints(bus, (subject, payload) => {
        let frame: string | undefined
        for (const reader of readers) {
          reader.take(subject, () => (frame ??= hintFrame(subject, payload)))
        }
      }),
    ]
    const beating = setInterval(beat, beatMs)
    return {
      async [Symbol.asyncDispose]() {
        clearInterval(beating)
        await Promise.all(working.map((each) => each[Symbol.asyncDispose]()))
      },
    }
  }

  const stop = async (): Promise<void> => {
    const stopped = running
    running = undefined
    await stopped?.[Symbol.asyncDispose]()
  }

  return {
    get readers() {
      return readers.size
    },

    read(options) {
      clearTimeout(idle)
      running ??= start()
      const reader = createReader(options, outlet)
      readers.add(reader)
      if (absence !== null) reader.tell('away', { reason: absence })
      if (options.wantsStatus) reader.push(statusFrame())
      hub?.add(reader)
      reader.push(aliveFrame(reader))
      return {
        [Symbol.dispose]() {
          readers.delete(reader)
          hub?.remove(reader)
          if (readers.size > 0) return
          clearTimeout(idle)
          // A page that is loaded again soon finds the last records still here.
          idle = setTimeout(() => void stop(), idleMs)
        },
      }
    },

    tellStatus() {
      const told = Array.from(readers).filter(({ wantsStatus }) => wantsStatus)
      if (told.length === 0) return
      const status = statusFrame()
      for (const reader of told) reader.push(status)
    },

    endAll() {
      for (const reader of readers) reader.end()
    },

    async [Symbol.asyncDispose]() {
      for (const reader of readers) reader.end()
      readers.clear()
      clearTimeout(idle)
      ticker[Symbol.dispose]()
      await stop()
    },
  }
}

/** Nothing happened, but this is where to resume. An id alone is no event. */
function aliveFrame({ position }: Reader): string {
  return position ? `: alive\nid: ${encodeCursor(position)}\n\n` : ': alive\n\n'
}
