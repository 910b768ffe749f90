import { setTimeout as wait } from 'node:timers/promises'
import { type Bus, RefusalError } from '@corroport/bus'
import { analyticsVacuumed } from '@corroport/contracts'
import { sql } from 'kysely'
import type { Logger } from 'pino'
import type { Db } from './database.ts'
import { dropOld, makePartitions } from './partitions.ts'

const daysAhead = 3
const usualMs = 3_600_000
const afterFailureMs = 60_000
// By a clock that is wrong, everything is old.
const clockToleranceMs = 3_600_000

/** Makes the partitions of the next days, and drops those that are older than they are kept. */
export function startRetention(deps: {
  db: Db
  bus: Bus
  retentionDays: number
  log: Logger
}): AsyncDisposable {
  const { db, bus, retentionDays, log } = deps
  const stopping = new AbortController()
  const { signal } = stopping
  let last: Promise<unknown> = Promise.resolve()

  const vacuum = async () => {
    const now = new Date()
    await confirmTime(db, now)
    const made = await makePartitions(db, now, daysAhead)
    const { partitions, busy, rows } = await dropOld(db, now, retentionDays)
    log.info({ made: made.length, dropped: partitions, busy, rows }, 'retention applied')
    if (busy.length > 0) {
      throw new RefusalError('locked', `being read, and left for later: ${busy.join(', ')}`)
    }
    return { made, dropped: partitions, deleted_rows: rows, retention_days: retentionDays }
  }
  /** One at a time. */
  const run = (): ReturnType<typeof vacuum> => {
    const next = last.then(vacuum)
    last = next.catch(() => undefined) // told to whoever asked for that run
    return next
  }

  const running = (async () => {
    while (!signal.aborted) {
      let waitMs = usualMs
      try {
        await run()
      } catch (err) {
        log.warn({ err }, 'retention not applied')
        waitMs = afterFailureMs
      }
      await wait(waitMs, undefined, { signal }).catch(() => undefined)
    }
  })()
  const answering = bus.respond(analyticsVacuumed, {}, run)

  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await answering[Symbol.asyncDispose]()
      await running
    },
  }
}

/** Throws where the clock of Postgres says otherwise, now or when it last stored something. */
async function confirmTime(db: Db, now: Date): Promise<void> {
  const { theirs, latest } = await db
    .selectFrom('ledger')
    .select([sql<Date>`now()`.as('theirs'), sql<Date | null>`max(updated_at)`.as('latest')])
    .executeTakeFirstOrThrow()
  const apartMs = Math.abs(theirs.getTime() - now.getTime())
  const backMs = latest ? latest.getTime() - now.getTime() : 0
  if (Math.max(apartMs, backMs) <= clockToleranceMs) return
  const lastStored = latest ? `, where something was stored at ${latest.toISOString()}` : ''
  throw new RefusalError(
    'conflict',
    `a clock is wrong: it is ${now.toISOString()} here and ${theirs.toISOString()} in postgres${lastStored}`,
  )
}
