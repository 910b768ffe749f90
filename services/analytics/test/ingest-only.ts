// Ingest and ledger alone, as a process that can be killed.
import { connectBus } from '@corroport/bus'
import { createLog, stopSignal } from '@corroport/service'
import { Registry } from 'prom-client'
import { answerLedger } from '../src/ingest/answer-ledger.ts'
import { startIngest } from '../src/ingest/start-ingest.ts'
import { openDatabase } from '../src/store/database.ts'

const log = createLog({ level: 'info' })
const stopped = stopSignal(log)
await using bus = connectBus({ url: process.env.NATS_URL ?? '', name: 'ingest-only', log })
await using database = openDatabase({ url: process.env.DATABASE_URL ?? '', log, name: 'ingest' })
const { db } = database
await using _ledger = answerLedger({ db, bus })
await using _ingest = startIngest({ db, bus, log, metrics: new Registry() })
log.info('started')
await stopped
