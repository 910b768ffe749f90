import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'pg'
import type { Logger } from 'pino'
import { adviceAbout, reasonOf } from './store/database.ts'

// Any number that nobody else uses in this database.
const lockKey = 8_081_601
const tryEveryMs = 1000
const lookEveryMs = 1000
// A session whose connection broke in silence, or whose server hangs, is lost too.
const answerWithinMs = 3000

export interface Leadership extends AsyncDisposable {
  readonly state: 'leading' | 'standing-by' | 'no-database'
  /** Why there is no database. */
  readonly problem: string
}

/**
 * Does `work` while this process is the only one: it holds a lock of the database, which the database
 * gives to another one when this session ends. The signal aborts when the session is lost.
 */
export function lead(options: {
  url: string
  log: Logger
  /** Resolves when everything has ended, soon after the signal. */
  work: (signal: AbortSignal) => Promise<void>
}): Leadership {
  const { url, log, work } = options
  const stopping = new AbortController()
  let state: Leadership['state'] = 'no-database'
  let problem = 'it was not asked yet'
  let isLossTold = false

  const leadOnce = async (): Promise<void> => {
    const client = new Client({
      connectionString: url,
      application_name: 'analytics-lock',
      connectionTimeoutMillis: 5000,
      query_timeout: answerWithinMs,
    })
    const lost = new AbortController()
    client.on('error', () => lost.abort())
    try {
      await client.connect()
      const { rows } = await client.query<{ is_ours: boolean }>(
        'SELECT pg_try_advisory_lock($1) AS is_ours',
        [lockKey],
      )
      isLossTold = false
      state = rows[0]?.is_ours === true ? 'leading' : 'standing-by'
      if (state === 'standing-by') return
      log.info('leading')
      const signal = AbortSignal.any([stopping.signal, lost.signal])
      // Whichever ends first ends the other, and the lock is given back after both: work that still
      // runs must not meet that of the next leader.
      const outcomes = await Promise.allSettled([
        work(signal).finally(() => lost.abort()),
        watch(client, signal).finally(() => lost.abort()),
      ])
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failed) throw failed.reason
    } finally {
      // The lock ends with the session. A server that hangs does not say goodbye.
      const patience = wait(answerWithinMs, undefined, { ref: false })
      await Promise.race([client.end(), patience]).catch(() => undefined)
    }
  }

  const running = (async () => {
    while (!stopping.signal.aborted) {
      try {
        await leadOnce()
      } catch (err) {
        const advice = adviceAbout(err)
        const found = advice === undefined ? reasonOf(err) : `${reasonOf(err)}: ${advice}`
        if (!(isLossTold && found === problem) && !stopping.signal.aborted)
          log.warn({ err, advice }, 'postgres away, or leadership lost')
        isLossTold = true
        state = 'no-database'
        problem = found
      }
      await wait(tryEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  })()

  return {
    get state() {
      return state
    },
    get problem() {
      return problem
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}

/** Ends when the session does not answer, which a broken connection may not tell by itself. */
async function watch(client: Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await client.query('SELECT 1')
    await wait(lookEveryMs, undefined, { signal }).catch(() => undefined)
  }
}
