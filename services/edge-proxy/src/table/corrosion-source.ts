import { type CorrosionClient, createMemoryShadow, follow } from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import type { SourceListener, TableSource } from './source.ts'

export interface CorrosionSourceOptions {
  client: CorrosionClient
  table: string
  auditIntervalMs: number
  listener: SourceListener
  log: Logger
  /** A steady clock, milliseconds. */
  steady: () => number
}

/** Follows the replicated table at the local agent, from its whole content at each start. */
export function openCorrosionSource(options: CorrosionSourceOptions): TableSource {
  const { client, table, auditIntervalMs, listener, log, steady } = options
  const stopping = new AbortController()
  const shadow = createMemoryShadow()
  const following = follow(client, { table, shadow, auditIntervalMs, signal: stopping.signal })
  let reason: string | undefined
  let lastLiveAt: number | undefined
  let isLive = false
  let auditDiffering: number | null = null

  const enter = (nowLive: boolean): void => {
    if (isLive) lastLiveAt = steady()
    if (isLive === nowLive) return
    isLive = nowLive
    listener.onLive(nowLive)
  }

  const running = (async () => {
    for await (const event of following) {
      if (event.kind === 'rows') {
        shadow.apply(event.rows)
        listener.onRows(
          event.rows.map(({ keyText: key, row, via }) => ({
            key,
            row,
            how: via === 'catch-up' ? 'found' : 'heard',
          })),
        )
      } else if (event.kind === 'state' && event.state === 'live') {
        reason = undefined
        log.info({ table, caughtUpRows: event.caughtUpRows }, 'table followed')
        enter(true)
      } else if (event.kind === 'state') {
        reason = event.reason
        if (event.state === 'lost' || event.state === 'resuming') {
          log.warn({ table, state: event.state, reason }, 'table not followed: it may be old')
        }
        enter(false)
      } else if (event.kind === 'audit') {
        auditDiffering = event.differing.length
        const keys = event.differing.slice(0, 10)
        if (auditDiffering > 0) log.error({ table, keys }, 'audit found rows that were missed')
      }
    }
  })()
  running.catch((err: unknown) => {
    setImmediate(() => {
      throw err
    })
  })

  return {
    get status() {
      const { state } = following
      const sinceLive = lastLiveAt === undefined ? null : (steady() - lastLiveAt) / 1000
      const ageSeconds = isLive ? 0 : sinceLive
      return { isLive, state, reason, ageSeconds, auditDiffering }
    },
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await running
    },
  }
}
