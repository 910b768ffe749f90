import { connectBus } from '@corroport/bus'
import { analyticsVacuumed } from '@corroport/contracts'
import {
  type NatsServer,
  type Postgres,
  startNatsServer,
  startPostgres,
  until,
} from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import pino from 'pino'
import { type OpenedDatabase, openDatabase } from '../src/store/database.ts'
import { migrate } from '../src/store/migrate.ts'
import { dropOld, makePartitions } from '../src/store/partitions.ts'
import { startRetention } from '../src/store/start-retention.ts'

const log = pino({ level: 'silent' })
const now = new Date('2026-01-15T10:00:00Z')
let nats: NatsServer
let postgres: Postgres
let database: OpenedDatabase

beforeAll(async () => {
  nats = await startNatsServer()
  postgres = await startPostgres()
  database = openDatabase({ url: postgres.url, log, name: 'test' })
  await migrate(database.db)
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
  await nats[Symbol.asyncDispose]()
})

async function receive(messageId: string, at: string): Promise<void> {
  await sql`INSERT INTO receipt VALUES (${messageId}, 'gossip', 'node2', 'node1', 'updates', ${at})`.execute(
    database.db,
  )
}

/** `m1 receipt_20260115`: where each receipt lies. */
async function whereReceiptsLie(): Promise<string[]> {
  const { rows } = await sql<{ at: string }>`
    SELECT message_id || ' ' || tableoid::regclass AS at FROM receipt ORDER BY 1`.execute(
    database.db,
  )
  return rows.map(({ at }) => at)
}

test('rows go to their day; those that came before their partition are moved into it', async () => {
  await receive('m1', '2026-01-15T23:59:59.999999Z')
  await receive('m2', '2031-01-01T00:00:00Z')

  const made = await makePartitions(database.db, now, 3)
  await receive('m3', '2026-01-16T00:00:00Z')

  expect(made).toHaveLength(5 * 8)
  expect(made).toContain('receipt_20260118')
  expect(await makePartitions(database.db, now, 3)).toEqual([])
  expect(await whereReceiptsLie()).toEqual([
    'm1 receipt_20260115',
    'm2 receipt_default',
    'm3 receipt_20260116',
  ])
})

test('what is older than it is kept is dropped, partitions and the rest', async () => {
  await receive('old', '2026-01-01T00:00:00Z')

  const dropped = await dropOld(database.db, new Date('2026-01-17T10:00:00Z'), 1)

  expect(dropped.partitions).toContain('receipt_20260115')
  expect(dropped.partitions).not.toContain('receipt_20260116')
  expect(dropped.rows).toBe(1)
  expect(await whereReceiptsLie()).toEqual(['m2 receipt_default', 'm3 receipt_20260116'])
})

test('the newest life of a stream stays in the ledger, however quiet it is', async () => {
  const { db } = database
  const entry = { last_sequence: 1, stored: 1, duplicates: 0, refused: 0 }
  const insert = (incarnation: string, days: number) =>
    sql`INSERT INTO ledger VALUES ('LIFECYCLE', ${incarnation}, ${entry.last_sequence},
      ${entry.stored}, 0, 0, ${now.toISOString()}::timestamptz - make_interval(days => ${days}))`.execute(
      db,
    )
  await insert('first', 90)
  await insert('second', 60)

  await dropOld(db, now, 30)

  const left = await db.selectFrom('ledger').select('incarnation').execute()
  expect(left).toEqual([{ incarnation: 'second' }])
})

test('a vacuum on demand says what it dropped', async () => {
  await receive('old', '2020-01-01T00:00:00Z')
  await using bus = connectBus({ url: nats.url, name: 'test', log })
  await using _retention = startRetention({ db: database.db, bus, retentionDays: 30, log })
  await until(() => bus.isConnected)

  const { retention_days: days } = await until(() =>
    bus.request(analyticsVacuumed, {}, { by: 'test' }).catch(() => undefined),
  )

  expect(days).toBe(30)
  expect(await whereReceiptsLie()).not.toContain('old receipt_default')
})
