import { type BatchConsumption, type Bus, consumeBatches, findStreamHead } from '@corroport/bus'
import { analyticsDurables } from '@corroport/contracts'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Db } from '../store/database.ts'
import { findPosition } from './find-position.ts'
import { createIngestMetrics } from './metrics.ts'
import { readRecord, storeBatch } from './store-batch.ts'
import { traceBatch } from './trace-batch.ts'

export interface Ingest extends AsyncDisposable {
  /** Streams that are not read now, and why. */
  readonly unread: string[]
}

const headTimeoutMs = 2000

/** Stores what the streams hold, each record once, and counts all of them in the ledger. */
export function startIngest(deps: { db: Db; bus: Bus; log: Logger; metrics: Registry }): Ingest {
  const { db, bus, log } = deps
  const metrics = createIngestMetrics(deps.metrics)
  const stack = new AsyncDisposableStack()
  const consumptions = analyticsDurables.map((durable): [string, BatchConsumption] => {
    const { stream } = durable
    const findFirst = async (): Promise<number> =>
      (await findStreamHead(bus, stream, headTimeoutMs)).first
    const consumption = consumeBatches({
      bus,
      log,
      service: 'analytics',
      durable,
      position: (head, recordAt) => findPosition({ db, log }, head, recordAt),
      read: readRecord,
      handle: async (batch, bury) => {
        const stop = metrics.batchSeconds.startTimer({ stream })
        const counts = await traceBatch(stream, batch, () =>
          storeBatch({ db, bury, findFirst }, batch),
        )
        stop()
        metrics.records.inc({ stream, outcome: 'stored' }, counts.stored)
        metrics.records.inc({ stream, outcome: 'duplicate' }, counts.duplicates)
        metrics.records.inc({ stream, outcome: 'refused' }, counts.refused)
        metrics.lag.set({ stream }, batch.at(-1)?.record.behind ?? 0)
      },
    })
    return [stream, stack.use(consumption)]
  })
  return {
    get unread() {
      return consumptions
        .filter(([, { isBound }]) => !isBound)
        .map(([stream, { problem }]) => (problem ? `${stream} (${problem})` : stream))
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
