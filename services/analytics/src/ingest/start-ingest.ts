import { type Bus, type Consumption, consumeBatches, findStreamHeads } from '@corroport/bus'
import { analyticsDurables } from '@corroport/contracts'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Db } from '../store/database.ts'
import { readPosition } from '../store/ledger.ts'
import { createIngestMetrics } from './metrics.ts'
import { readRecord, storeBatch } from './store-batch.ts'

export interface Ingest extends AsyncDisposable {
  /** Streams that are not read now. */
  readonly unread: string[]
}

// Rows in CHANGES may be large, and so many are held three times over.
const maxRecords = { CHANGES: 250, RECORDS: 2000, LIFECYCLE: 250, SAMPLES: 250, DEAD: 250 }

const headTimeoutMs = 2000

/** Stores what the streams hold, each record once, and counts all of them in the ledger. */
export function startIngest(deps: { db: Db; bus: Bus; log: Logger; metrics: Registry }): Ingest {
  const { db, bus, log } = deps
  const metrics = createIngestMetrics(deps.metrics)
  const stack = new AsyncDisposableStack()
  const consumptions = analyticsDurables.map((durable): [string, Consumption] => {
    const { stream } = durable
    const findFirst = async (): Promise<number> => {
      const heads = await findStreamHeads(bus, headTimeoutMs)
      return heads.find((head) => head.stream === stream)?.first ?? 0
    }
    const consumption = consumeBatches({
      bus,
      log,
      service: 'analytics',
      durable,
      maxRecords: maxRecords[stream],
      position: (incarnation) => readPosition(db, { stream, incarnation }),
      read: readRecord,
      handle: async (batch, bury) => {
        const stop = metrics.batchSeconds.startTimer({ stream })
        const counts = await storeBatch({ db, bury, findFirst }, batch)
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
      return consumptions.filter(([, { isBound }]) => !isBound).map(([stream]) => stream)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
