import { setTimeout as wait } from 'node:timers/promises'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import { type HeldBuild, type Loss, listHeld, type TakenBack, takeBack } from './store/queue.ts'
import type { WaitingRoom } from './waiting-room.ts'

export interface LeaseOptions {
  pool: Pool
  log: Logger
  waitingRoom: WaitingRoom
  limitMinutes: number
  maxLosses: number
  retrySeconds: number
  /** Milliseconds that only go forward. */
  now?: () => number
}

export interface Leases extends AsyncDisposable {
  /** Gives a build to the queue again, or ends it where it was lost too often. */
  takeBack(build: HeldBuild, loss: Loss): Promise<TakenBack>
  /** When the last look at all leases succeeded, by `now`; undefined before the first. */
  readonly lookedAt: number | undefined
}

const lookEveryMs = 2000
const longestDelaySeconds = 600

/**
 * A lease ends when its build is taken back, and never by a clock of the system: each controller
 * takes back what it has itself seen without a sign of life for as long as the lease is. So neither
 * a step of any clock nor a database that was away costs a build; a controller that starts waits a
 * whole lease before it judges.
 */
export function startLeases(options: LeaseOptions): Leases {
  const { pool, log, waitingRoom, limitMinutes, maxLosses } = options
  const now = options.now ?? (() => performance.now())
  const stopping = new AbortController()
  const seen = new Map<string, { attempt: number; beat: string; beatAt: number; since: number }>()
  let lookedAt: number | undefined

  const give = async (build: HeldBuild, loss: Loss): Promise<TakenBack> => {
    const delaySeconds = loss.counts ? delayAfter(build.losses, options.retrySeconds) : 0
    const taken = await takeBack(pool, build.id, loss, { maxLosses, delaySeconds })
    if (taken.outcome === 'not-held') return taken
    const { outcome, platform } = taken
    log.info(
      { buildId: build.id, attempt: build.attempt, failure: loss.failure, outcome },
      'build taken back',
    )
    if (outcome === 'requeued' && delaySeconds === 0 && platform !== null) {
      waitingRoom.announce(platform)
    }
    return taken
  }

  const look = async (): Promise<void> => {
    const before = now()
    const held = await listHeld(pool)
    const ids = new Set(held.map(({ id }) => id))
    for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id)
    for (const build of held) {
      const { id, attempt, beat } = build
      const known = seen.get(id)
      if (known?.attempt !== attempt) {
        seen.set(id, { attempt, beat, beatAt: before, since: before })
        continue
      }
      if (known.beat !== beat) Object.assign(known, { beat, beatAt: before })
      const isOver = before - known.since > limitMinutes * 60_000
      const isLost = before - known.beatAt > build.lease_seconds * 1000
      if (isOver) {
        const reason = `Build timeout - longer than ${limitMinutes} minutes`
        await give(build, { attempt, beat: null, failure: 'time-limit', reason, counts: false })
      } else if (isLost) {
        const reason = 'Build timeout - no heartbeat received'
        await give(build, { attempt, beat, failure: 'lost-worker', reason, counts: true })
      }
    }
    lookedAt = before
  }

  let isFailureTold = false
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await look()
        isFailureTold = false
      } catch (err) {
        if (!isFailureTold) log.warn({ err }, 'leases not looked at')
        isFailureTold = true
        // While the database was away nobody could be heard: each lease begins anew.
        for (const known of seen.values()) known.beatAt = now()
      }
      await wait(lookEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()

  return {
    takeBack: give,
    get lookedAt() {
      return lookedAt
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await looking
    },
  }
}

/** Doubled by each loss, with half of it at random, so that what was lost together comes back apart. */
function delayAfter(losses: number, firstSeconds: number): number {
  const whole = Math.min(longestDelaySeconds, firstSeconds * 2 ** losses)
  return Math.round(whole / 2 + (Math.random() * whole) / 2)
}
