import { setTimeout as wait } from 'node:timers/promises'
import type { Bus } from '@corroport/bus'
import { analyticsVacuumed } from '@corroport/contracts'
import type { Logger } from 'pino'
import type { Db } from './database.ts'
import { dropOld, makePartitions } from './partitions.ts'

const daysAhead = 3
const usualMs = 3_600_000
const afterFailureMs = 10_000

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
  let busy: Promise<unknown> = Promise.resolve()

  const vacuum = async () => {
    const now = new Date()
    const made = await makePartitions(db, now, daysAhead)
    const { partitions, rows } = await dropOld(db, now, retentionDays)
    log.info({ made: made.length, dropped: partitions, rows }, 'retention applied')
    return { made, dropped: partitions, deleted_rows: rows, retention_days: retentionDays }
  }
  /** One at a time. */
  const run = (): ReturnType<typeof vacuum> => {
    const next = busy.then(vacuum)
    busy = next.catch(() => undefined) // told to whoever asked for that run
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
