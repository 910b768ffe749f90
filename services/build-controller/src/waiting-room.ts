import { aborted } from '@corroport/bus'
import type { Pool, PoolClient } from 'pg'
import type { Logger } from 'pino'

/** Polls that wait for a build. */
export interface WaitingRoom extends AsyncDisposable {
  /** Resolves when a build may be there for one of the platforms, or after so long, or when aborted. */
  wait(platforms: readonly string[], milliseconds: number, signal: AbortSignal): Promise<void>
  /** There is one build more, here and at every other controller. */
  announce(platform: string): void
  readonly waiting: number
}

interface Waiter {
  platforms: readonly string[]
  leave: () => void
}

const channel = 'corroport_builds'
// Postgres lets one commit at a time notify: many builds at once are said once.
const gatherMs = 20
const listenAgainMs = 1000

/** A notice wakes one poll each: it is a hint, and whoever waits looks for itself now and then. */
export function openWaitingRoom({ pool, log }: { pool: Pool; log: Logger }): WaitingRoom {
  const waiters = new Set<Waiter>()
  const stopping = new AbortController()
  let gathered = new Map<string, number>()
  let gathering: NodeJS.Timeout | undefined

  const wake = (platform: string, count: number): void => {
    let left = count
    for (const waiter of waiters) {
      if (left === 0) return
      if (!waiter.platforms.includes(platform)) continue
      left -= 1
      waiter.leave()
    }
  }

  const tell = (): void => {
    gathering = undefined
    const told = [...gathered].map(([platform, count]) => `${platform} ${count}`)
    gathered = new Map()
    for (const text of told) {
      pool.query('SELECT pg_notify($1, $2)', [channel, text]).catch((err: unknown) => {
        log.debug({ err }, 'waiting polls of other controllers not woken')
      })
    }
  }

  const listening = (async () => {
    while (!stopping.signal.aborted) {
      let client: PoolClient | undefined
      try {
        client = await pool.connect()
        const lost = Promise.withResolvers<void>()
        client.on('end', lost.resolve)
        client.on('error', () => lost.resolve())
        client.on('notification', ({ payload = '' }) => {
          const [platform = '', count = ''] = payload.split(' ')
          wake(platform, Number(count) || 1)
        })
        await client.query(`LISTEN ${channel}`)
        await Promise.race([lost.promise, aborted(stopping.signal)])
      } catch (err) {
        log.debug({ err }, 'notices not heard')
      } finally {
        // Not back to the pool: it listens.
        client?.release(true)
      }
      await Promise.race([pause(listenAgainMs), aborted(stopping.signal)])
    }
  })()

  return {
    wait: (platforms, milliseconds, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const leave = (): void => {
          clearTimeout(timer)
          signal.removeEventListener('abort', leave)
          waiters.delete(waiter)
          resolve()
        }
        const timer = setTimeout(leave, milliseconds)
        const waiter = { platforms, leave }
        signal.addEventListener('abort', leave)
        waiters.add(waiter)
      }),
    announce(platform) {
      wake(platform, 1)
      gathered.set(platform, (gathered.get(platform) ?? 0) + 1)
      gathering ??= setTimeout(tell, gatherMs)
    },
    get waiting() {
      return waiters.size
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      clearTimeout(gathering)
      for (const waiter of waiters) waiter.leave()
      await listening
    },
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref()
  })
}
