import { setTimeout as wait } from 'node:timers/promises'

import type { HybridClock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import { LinkLostError } from './link.ts'
import type { Member, Membership } from './membership.ts'
import type { Holdings, Message, MessageOf, RangesByActor } from './message.ts'
import { intersect, lowest, type Ranges, size, subtract, union } from './ranges.ts'
import { pick } from './swim.ts'
import type { GossipTimings } from './timings.ts'

export interface SyncClientOptions {
  store: Store
  clock: HybridClock
  membership: Membership
  timings: GossipTimings
  log: Log
  deliver: (actorId: string, message: Message, signal: AbortSignal) => Promise<void>
  /** Takes the parts, gives the number of changesets that became whole. */
  take: (from: string, parts: readonly Uint8Array[]) => number
  /** Resolves when everything taken has been applied. */
  applied: () => Promise<void>
}

type SyncAnswer = MessageOf<'sync-state' | 'sync-refused' | 'sync-changes' | 'sync-done'>

/** Asks others, now and then, for what is missing here. */
export interface SyncClient {
  /** Throws RangeError on parts that no development agent would send. */
  receive(from: string, message: SyncAnswer): void
  /** The connection from that agent ended: nothing more will come. */
  gone(actorId: string): void
  close(): void
}

interface Session {
  from: string
  answer: PromiseWithResolvers<Exclude<SyncAnswer, { type: 'sync-changes' }>>
  received: number
  idle: NodeJS.Timeout
  end: AbortController
}

const peersPerRound = 3
const versionsPerRequest = 1_000

export function startSyncClient(options: SyncClientOptions): SyncClient {
  const { store, clock, membership, timings, log, deliver, take, applied } = options
  const sessions = new Map<number, Session>()
  const stopping = new AbortController()
  let lastSession = 0

  function openSession(from: string) {
    const end = new AbortController()
    const abort = (reason: string) => end.abort(new Error(reason))
    const deadline = setTimeout(abort, timings.syncTimeoutMs, 'the session took too long')
    const idle = setTimeout(abort, timings.syncOpenMs, 'the other agent does not answer')
    const stop = () => abort('this agent stops')
    stopping.signal.addEventListener('abort', stop, { once: true })
    const number = ++lastSession
    const session: Session = { from, answer: nextAnswer(end.signal), received: 0, idle, end }
    sessions.set(number, session)
    const close = () => {
      sessions.delete(number)
      clearTimeout(deadline)
      clearTimeout(session.idle)
      stopping.signal.removeEventListener('abort', stop)
    }
    const isAnswered = () => {
      clearTimeout(session.idle)
      session.idle = setTimeout(abort, timings.syncIdleMs, 'the other agent has gone silent')
    }
    return { number, session, isAnswered, close }
  }

  /** Takes over from one agent what no other session of the round has asked for. */
  async function sync(member: Member, asked: Map<string, Ranges>): Promise<void> {
    const { actorId, address } = member.identity
    const { number, session, isAnswered, close } = openSession(actorId)
    const { signal } = session.end
    let wanted: RangesByActor = new Map()
    const ask = (message: Message) => {
      session.answer = nextAnswer(signal)
      return deliver(actorId, message, signal).then(() => session.answer.promise)
    }
    try {
      const ours = { clock: clock.now(), heads: store.heads(), gaps: store.gaps() }
      const state = await ask({ type: 'sync-open', session: number, ...ours })
      if (state.type !== 'sync-state') return
      isAnswered()
      clock.observe(state.clock)
      learnHeads(store, state.heads)
      for (wanted = choose(state, asked); wanted.size > 0; wanted = choose(state, asked)) {
        for (const [actor, some] of wanted) asked.set(actor, union(asked.get(actor) ?? [], some))
        await ask({ type: 'sync-want', session: number, wanted })
      }
      await deliver(actorId, { type: 'sync-close', session: number }, signal)
    } catch (error) {
      // What was asked for and did not come may be had from another.
      for (const [actor, some] of wanted) asked.set(actor, subtract(asked.get(actor) ?? [], some))
      if (error instanceof LinkLostError || signal.aborted) {
        log.debug('a round of anti-entropy was cut short', { peer: address, error })
      } else {
        // The disk is full, or the file is held: the next round tries again.
        log.error('a round of anti-entropy failed', { peer: address, error })
      }
      // On a link that is cut it waits behind the request, so that no old session begins later.
      const closing: Message = { type: 'sync-close', session: number }
      deliver(actorId, closing, stopping.signal).catch((reason: unknown) => {
        log.debug('the other agent ends the session by itself', { peer: address, error: reason })
      })
    } finally {
      close()
      if (session.received > 0) {
        membership.synced(actorId)
        log.info('caught up', { peer: address, versions: session.received })
      }
    }
  }

  /** What this agent misses, the other has, and nobody is being asked for. */
  function choose(theirs: Holdings, asked: ReadonlyMap<string, Ranges>): RangesByActor {
    const wanted = new Map<string, Ranges>()
    let left = versionsPerRequest
    for (const [actorId, missing] of store.gaps()) {
      const head = theirs.heads.get(actorId)
      if (head === undefined || left === 0) continue
      const held = subtract([{ start: 1, end: head }], theirs.gaps.get(actorId) ?? [])
      const offered = subtract(intersect(missing, held), asked.get(actorId) ?? [])
      const some = lowest(offered, left)
      if (some.length === 0) continue
      wanted.set(actorId, some)
      left -= size(some)
    }
    return wanted
  }

  async function run(): Promise<void> {
    let pauseMs = timings.syncMinMs
    for (;;) {
      await wait(pauseMs * (0.7 + 0.6 * Math.random()), undefined, { signal: stopping.signal })
      pauseMs = Math.min(timings.syncMaxMs, pauseMs * 2)
      const asked = new Map<string, Ranges>()
      const alive = membership.present().filter(({ state }) => state === 'Alive')
      await Promise.all(pick(alive, peersPerRound).map((member) => sync(member, asked)))
      await applied()
    }
  }

  run().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error
  })

  return {
    receive(from, message) {
      const session = sessions.get(message.session)
      if (session?.from !== from) return
      session.idle.refresh()
      if (message.type === 'sync-changes') session.received += take(from, message.parts)
      else session.answer.resolve(message)
    },
    gone(actorId) {
      for (const { from, end } of sessions.values()) {
        if (from === actorId) end.abort(new LinkLostError('the connection ended'))
      }
    },
    close() {
      stopping.abort()
    },
  }
}

/** Rejects when the session is aborted, even if nobody waits for it any more. */
function nextAnswer(signal: AbortSignal): Session['answer'] {
  const answer: Session['answer'] = Promise.withResolvers()
  const abort = () => answer.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  answer.promise.then(
    () => signal.removeEventListener('abort', abort),
    () => {},
  )
  return answer
}

function learnHeads(store: Store, heads: ReadonlyMap<string, number>): void {
  const known = store.heads()
  for (const [actorId, head] of heads) {
    if (actorId !== store.actorId && head > (known.get(actorId) ?? 0)) {
      store.learnHead(actorId, head)
    }
  }
}
