import { setTimeout as wait } from 'node:timers/promises'
import { isVolumeFull } from '@corroport/bus'
import { nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import type { Logger } from 'pino'
import type { Deliveries } from './deliver.ts'
import type { AckMetrics, FailureCause } from './metrics.ts'
import type { Owed, Receipts } from './receipts.ts'

interface SweepOptions {
  receipts: Receipts
  deliveries: Deliveries
  directory: Directory
  maxAgeMs: number
  retentionHours: number
  log: Logger
  metrics: AckMetrics
}

const intervalMs = 500
const microsecondsPerHour = 3_600_000_000

// A large transaction would hold up the acknowledgements of this moment.
const batchSize = 200
const betweenBatchesMs = 20

/** Gives up what has been owed for too long and forgets old receipts, a little at a time. */
export function startSweep(options: SweepOptions): AsyncDisposable {
  const stopping = new AbortController()
  const { signal } = stopping
  const sweeping = (async () => {
    while (!signal.aborted) {
      let isDone = true
      try {
        isDone = giveUpOverdue(options) && purgeOld(options)
      } catch (err) {
        // Of a full volume its state file has told.
        if (!isVolumeFull(err)) options.log.error({ err }, 'old receipts not swept')
      }
      await wait(isDone ? intervalMs : betweenBatchesMs, undefined, { signal }).catch(
        () => undefined, // aborted: the loop's condition ends it
      )
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await sweeping
    },
  }
}

/** False when there may be more to do. */
function giveUpOverdue(options: SweepOptions): boolean {
  const { receipts, deliveries, directory, maxAgeMs, log, metrics } = options
  const overdue = receipts.overdue(Date.now() - maxAgeMs, batchSize)
  const failures = overdue
    // An attempt that is under way still decides for itself.
    .filter((owed) => !deliveries.isAttempting(owed))
    .map((owed) => ({ owed, attempts: owed.attempts, ...lateness(owed, directory) }))
  if (failures.length === 0) return true
  receipts.giveUp(failures)
  for (const { cause } of failures) metrics.failed.inc({ cause })
  log.warn({ count: failures.length }, 'acknowledgements too old')
  return overdue.length < batchSize
}

function lateness(owed: Owed, directory: Directory): { cause: FailureCause; reason: string } {
  return directory.get(owed.originNodeId)
    ? { cause: 'too-old', reason: 'too old' }
    : { cause: 'never-announced', reason: 'origin was never announced' }
}

function purgeOld({ receipts, retentionHours }: SweepOptions): boolean {
  const before = toTimestamp(nowMicroseconds() - retentionHours * microsecondsPerHour)
  return receipts.purge(before, batchSize) < batchSize
}
