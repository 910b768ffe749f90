// How fast receipts come from a prefilled stream into Postgres, each once, beside a consumer that
// only acknowledges the same stream.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openDatabase } from '@corroport/analytics/store/database.ts'
import { migrate } from '@corroport/analytics/store/migrate.ts'
import { makePartitions } from '@corroport/analytics/store/partitions.ts'
import { applyStreams, connectBus, onceConnected } from '@corroport/bus'
import {
  analyticsDurables,
  ledgerQueried,
  type MessageReceived,
  messageReceived,
  nowMicroseconds,
  streams,
  toTimestamp,
} from '@corroport/contracts'
import { startNatsServer, startPostgres } from '@corroport/testing'
import { sql } from 'kysely'
import pino from 'pino'
import { writeResult } from './result.ts'

const log = pino({ level: 'warn' })
const say = (line: string): void => console.error(line)

const root = join(import.meta.dirname, '../..')
const [secondsGiven = '60'] = process.argv.slice(2)
const seconds = Number(secondsGiven)
const atLeastPerSecond = 10_000
const atLeastOfBare = 0.5
// More than are read in the time, so that neither runs dry.
const records = seconds * 70_000
// As analytics reads RECORDS: one acknowledgement for so many.
const batch = 2000

await using nats = await startNatsServer()
await using postgres = await startPostgres({ fsync: 'on', shared_buffers: '128MB' })
await using bus = connectBus({ url: nats.url, name: 'bench', log })
const ofRecords = analyticsDurables.filter(({ stream }) => stream === 'RECORDS')
const bareDurables = ofRecords.flatMap((durable) => [
  { ...durable, name: 'each', answers: 'each' as const },
  { ...durable, name: 'all' },
])
await applyStreams({
  url: nats.url,
  // What fits is bounded by disks; here everything stays that is to be read.
  streams: streams
    .filter(({ name }) => name === 'RECORDS')
    .map((stream) => ({ ...stream, maxBytes: 2 * 1024 ** 3 })),
  durables: bareDurables,
})
await using database = openDatabase({ url: postgres.url, log, name: 'bench' })
await migrate(database.db)
await makePartitions(database.db, new Date(), 3)

say(`filling the stream with ${records} receipts`)
await fill()
say('acknowledging only')
const each = await readBare('each')
const all = await readBare('all')
say('storing')
const stored = await ingest()
const rate = rateOf(stored)
const ratio = rate / rateOf(each)
const perSecond = (value: number): string => `${Math.round(value).toLocaleString('en')}/s`
writeResult('ingest', {
  figures: [
    {
      name: 'receipt records from a prefilled stream into Postgres 18 (fsync on)',
      measured: `${perSecond(rate)} for ${stored.seconds.toFixed(1)} s, ${Math.round(ratio * 100)} % of the baseline`,
      baseline: `a consumer that does nothing but acknowledge each record: ${perSecond(rateOf(each))} (one that does so once for ${batch}: ${perSecond(rateOf(all))})`,
      bar: '≥ 10,000/s on 2 cores, and ≥ 50 % of the baseline',
      isMet: rate >= atLeastPerSecond && ratio >= atLeastOfBare,
    },
    {
      name: 'each of them once',
      measured: `${stored.rows} rows for ${stored.lastSequence} sequences, ${stored.duplicates} duplicates, ${stored.missing} missing`,
      baseline: `${records} published`,
      bar: 'as many rows as sequences that were dealt with, all different; ledger balanced',
      isMet:
        stored.rows === stored.lastSequence &&
        stored.distinct === stored.rows &&
        stored.missing === 0 &&
        stored.isBalanced,
    },
  ],
  raw: { each, all, stored, records, batch },
})

async function fill(): Promise<void> {
  const subject = messageReceived.subject({ nodeId: 'node2' })
  const startsAt = nowMicroseconds()
  const atOnce = 2000
  await onceConnected(bus, async ({ jetstream }) => {
    for (let from = 0; from < records; from += atOnce) {
      const chunk = Array.from({ length: Math.min(atOnce, records - from) }, (_, index) => {
        const receipt: MessageReceived = {
          nodeId: 'node2',
          messageId: `node1_${String(from + index).padStart(26, '0')}`,
          transport: 'gossip',
          originNodeId: 'node1',
          via: 'updates',
          receivedAt: toTimestamp(startsAt + from + index),
        }
        return jetstream.publish(subject, JSON.stringify(receipt), {
          msgID: messageReceived.identify(receipt),
        })
      })
      await Promise.all(chunk)
    }
  })
}

interface Pace {
  records: number
  seconds: number
}

function rateOf(pace: Pace): number {
  return pace.records / pace.seconds
}

/** Until the server has heard of the last record. */
async function readBare(answers: 'each' | 'all'): Promise<Pace> {
  return await onceConnected(bus, async ({ jetstream }) => {
    const consumer = await jetstream.consumers.get('RECORDS', answers)
    const messages = await consumer.consume({ max_messages: 2 * batch })
    let read = 0
    const startedAt = performance.now()
    for await (const message of messages) {
      read += 1
      const isLast = read === records || performance.now() - startedAt >= seconds * 1000
      if (isLast) {
        await message.ackAck()
        break
      }
      if (answers === 'each' || read % batch === 0) message.ack()
    }
    return { records: read, seconds: (performance.now() - startedAt) / 1000 }
  })
}

async function ingest() {
  const program = spawn(
    process.execPath,
    [...process.execArgv, join(root, 'services/analytics/test/ingest-only.ts')],
    {
      env: { ...process.env, NATS_URL: nats.url, DATABASE_URL: postgres.url, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const look = async (): Promise<{ at: number; last: number }> => {
    const entry = await database.db
      .selectFrom('ledger')
      .select('last_sequence')
      .where('stream', '=', 'RECORDS')
      .executeTakeFirst()
    return { at: performance.now(), last: Number(entry?.last_sequence ?? 0) }
  }
  let first = await look()
  while (first.last === 0) {
    await wait(20)
    first = await look()
  }
  let now = first
  while (now.last < records && now.at - first.at < seconds * 1000) {
    await wait(250)
    now = await look()
  }
  const pace: Pace = { records: now.last - first.last, seconds: (now.at - first.at) / 1000 }
  const { streams: entries, is_balanced: isBalanced } = await bus.request(ledgerQueried, {}, {})
  program.kill()
  await once(program, 'exit')
  const entry = await database.db
    .selectFrom('ledger')
    .selectAll()
    .where('stream', '=', 'RECORDS')
    .executeTakeFirstOrThrow()
  const counted = await sql<{ rows: string; distinct: string }>`
    SELECT count(*) AS rows, count(DISTINCT message_id) AS distinct FROM receipt`.execute(
    database.db,
  )
  const missing = entries.reduce((sum, told) => sum + told.missing_records, 0)
  return {
    ...pace,
    rows: Number(counted.rows[0]?.rows),
    distinct: Number(counted.rows[0]?.distinct),
    lastSequence: Number(entry.last_sequence),
    duplicates: Number(entry.duplicates),
    missing,
    isBalanced,
  }
}
