import { analyticsVacuumed } from '@corroport/contracts'
import { until } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { toRow } from '../src/ingest/rows.ts'
import { dropOld, makePartitions } from '../src/store/partitions.ts'
import { startRetention } from '../src/store/start-retention.ts'
import { storeFacts } from '../src/store/store-facts.ts'
import { quiet, startBus, startDatabase } from './harness.ts'

const now = new Date('2026-01-15T10:00:00Z')
let messaging: Awaited<ReturnType<typeof startBus>>
let database: Awaited<ReturnType<typeof startDatabase>>

beforeAll(async () => {
  messaging = await startBus()
  database = await startDatabase()
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await messaging[Symbol.asyncDispose]()
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

test('what is further from now than it is kept is dropped, partitions and the rest', async () => {
  await receive('old', '2026-01-01T00:00:00Z')

  const dropped = await dropOld(database.db, new Date('2026-01-17T10:00:00Z'), 1)

  expect(dropped.partitions).toContain('receipt_20260115')
  expect(dropped.partitions).not.toContain('receipt_20260116')
  expect(dropped.rows).toBe(2)
  expect(await whereReceiptsLie()).toEqual(['m3 receipt_20260116'])
})

test.each([
  ['1970-01-01T00:00:00Z', 1],
  ['2025-12-15T23:59:59Z', 1],
  ['2025-12-16T00:00:00Z', 0],
  ['2026-02-14T23:59:59Z', 0],
  ['2026-02-15T00:00:00Z', 1],
  ['9999-12-31T23:59:59Z', 1],
])('on 15 January, what was told at %s is beyond the 30 days: %i', async (at, count) => {
  await sql`TRUNCATE receipt`.execute(database.db)
  await receive('m1', at)

  expect(await dropOld(database.db, now, 30)).toMatchObject({ rows: count })
  expect(await whereReceiptsLie()).toHaveLength(1 - count)
})

test('a partition that is being read is left, and holds up no other', async () => {
  const { db } = database
  await makePartitions(db, now, 0)
  const { promise: isRead, resolve: readOn } = Promise.withResolvers<void>()
  const reading = db.transaction().execute(async (transaction) => {
    await sql`SELECT FROM receipt_20260115`.execute(transaction)
    await isRead
  })

  const dropped = await dropOld(db, new Date('2026-03-15T10:00:00Z'), 30)

  expect(dropped.busy).toEqual(['receipt_20260115'])
  expect(dropped.partitions).toContain('ack_20260115')
  readOn()
  await reading
  expect(await dropOld(db, new Date('2026-03-15T10:00:00Z'), 30)).toMatchObject({
    busy: [],
    partitions: ['receipt_20260115'],
  })
})

test('partitions come and go while records are stored and read', async () => {
  const { db } = database
  const days = Array.from({ length: 12 }, (_, day) => Date.UTC(2026, 4, 1 + day))
  const ending = new AbortController()
  let stored = 0
  const storing = (async () => {
    while (!ending.signal.aborted) {
      const rows = days.map((day) =>
        toRow('corro.message.received.node2', {
          nodeId: 'node2',
          messageId: `m${++stored}`,
          transport: 'gossip',
          originNodeId: 'node1',
          via: 'updates',
          receivedAt: new Date(day + stored).toISOString(),
        }),
      )
      await db.transaction().execute((transaction) => storeFacts(transaction, rows))
    }
  })()
  const reading = (async () => {
    while (!ending.signal.aborted) await sql`SELECT count(*) FROM receipt`.execute(db)
  })()

  for (const day of days) await makePartitions(db, new Date(day), 2)
  const dropped = await dropOld(db, new Date(Date.UTC(2026, 4, 9)), 3)

  ending.abort()
  await Promise.all([storing, reading])
  expect([...dropped.partitions, ...dropped.busy]).toContain('receipt_20260505')
  const { rows } = await sql<{ n: string }>`
    SELECT count(*) AS n FROM receipt WHERE received_at >= '2026-05-06'`.execute(db)
  expect(Number(rows[0]?.n)).toBe((stored / days.length) * 7)
}, 30_000)

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
  const { db } = database
  const { bus } = messaging
  await using _retention = startRetention({ db, bus, retentionDays: 30, log: quiet })

  const { retention_days: days } = await until(() =>
    bus.request(analyticsVacuumed, {}, { by: 'test' }).catch(() => undefined),
  )

  expect(days).toBe(30)
  expect(await whereReceiptsLie()).not.toContain('old receipt_default')
})

test('by a clock that went back nothing is dropped', async () => {
  const { db } = database
  await receive('old', '2020-01-01T00:00:00Z')
  await sql`INSERT INTO ledger VALUES ('RECORDS', 'later', 1, 1, 0, 0, '2100-01-01')`.execute(db)
  const { bus } = messaging
  await using _retention = startRetention({ db, bus, retentionDays: 30, log: quiet })

  const refusal = await until(() =>
    bus.request(analyticsVacuumed, {}, { by: 'test' }).then(
      () => 'dropped',
      ({ message }: Error) => message.includes('clock') && message,
    ),
  )

  expect(refusal).toMatch(/a clock is wrong: .* something was stored at 2100-01-01T00:00:00.000Z/)
  expect(await whereReceiptsLie()).toContain('old receipt_default')
})
