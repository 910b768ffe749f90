import type { HybridClock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import { createBreather } from './breather.ts'
import { encodeParts } from './changeset-part.ts'
import { LinkLostError } from './link.ts'
import type { Message, MessageOf } from './message.ts'
import type { GossipTimings } from './timings.ts'

export interface SyncServerOptions {
  store: Store
  clock: HybridClock
  timings: GossipTimings
  log: Log
  deliver: (actorId: string, message: Message, signal: AbortSignal) => Promise<void>
}

type SyncRequest = MessageOf<'sync-open' | 'sync-want' | 'sync-close'>

/** Gives others what they miss. */
export interface SyncServer {
  receive(from: string, message: SyncRequest): void
  gone(actorId: string): void
  close(): void
}

interface Served {
  from: string
  end: AbortController
  idle: NodeJS.Timeout
  /** Requests of one session are answered one after another. */
  last: Promise<void>
}

const maxSessions = 3
const batchBytes = 64 * 1024

export function createSyncServer(options: SyncServerOptions): SyncServer {
  const { store, clock, timings, log, deliver } = options
  const served = new Map<string, Served>()

  function end(key: string, reason: string): void {
    const session = served.get(key)
    if (session === undefined) return
    served.delete(key)
    clearTimeout(session.idle)
    session.end.abort(new Error(reason))
  }

  function answer(session: Served, work: () => Promise<void>): void {
    session.last = session.last.then(work).catch((error: unknown) => {
      if (!(error instanceof LinkLostError || session.end.signal.aborted)) throw error
    })
    session.idle.refresh()
  }

  async function send(session: Served, message: MessageOf<'sync-want'>): Promise<void> {
    const breathe = createBreather()
    let parts: Uint8Array[] = []
    let bytes = 0
    const flush = async () => {
      if (parts.length === 0) return
      const changes: Message = { type: 'sync-changes', session: message.session, parts }
      parts = []
      bytes = 0
      session.idle.refresh()
      await deliver(session.from, changes, session.end.signal)
    }
    for (const [actorId, ranges] of message.wanted) {
      // A head bounds what a range may make this agent look up.
      const head = store.heads().get(actorId) ?? 0
      for (const { start, end: last } of ranges) {
        for (let version = start; version <= Math.min(last, head); version++) {
          const changeset = store.changeset(actorId, version)
          if (changeset === undefined) continue
          for (const part of encodeParts(changeset)) {
            parts.push(part)
            bytes += part.length
            if (bytes >= batchBytes) await flush()
            await breathe()
          }
        }
      }
    }
    await flush()
    const done: Message = { type: 'sync-done', session: message.session }
    await deliver(session.from, done, session.end.signal)
  }

  function open(key: string, from: string, number: number): void {
    if (served.size >= maxSessions) {
      log.debug('max concurrency reached', { actorId: from })
      const refused: Message = { type: 'sync-refused', session: number }
      deliver(from, refused, AbortSignal.timeout(timings.syncIdleMs)).catch((error: unknown) => {
        // It asks again with its next round.
        log.debug('a refusal of anti-entropy did not go out', { actorId: from, error })
      })
      return
    }
    const session: Served = {
      from,
      end: new AbortController(),
      idle: setTimeout(() => end(key, 'the other agent has gone silent'), timings.syncIdleMs),
      last: Promise.resolve(),
    }
    served.set(key, session)
    answer(session, () => {
      const state = { clock: clock.now(), heads: store.heads(), gaps: store.gaps() }
      const message: Message = { type: 'sync-state', session: number, ...state }
      return deliver(from, message, session.end.signal)
    })
  }

  return {
    receive(from, message) {
      const key = `${from}:${message.session}`
      const session = served.get(key)
      if (message.type === 'sync-open') {
        clock.observe(message.clock)
        if (session === undefined) open(key, from, message.session)
      } else if (message.type === 'sync-close') end(key, 'done')
      else if (session !== undefined) answer(session, () => send(session, message))
    },
    gone(actorId) {
      for (const [key, { from }] of served) if (from === actorId) end(key, 'the connection ended')
    },
    close() {
      for (const key of served.keys()) end(key, 'this agent stops')
    },
  }
}
