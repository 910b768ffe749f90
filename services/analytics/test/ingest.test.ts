import { cpSync, rmSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { connectBus, onceConnected, openStateFile } from '@corroport/bus'
import {
  type AckReceived,
  ackReceived,
  deadLettered,
  ledgerQueried,
  lifecycleReady,
  type MessageReceived,
  messageReceived,
  messageSent,
  type RecordDefinition,
  subscriptionLost,
} from '@corroport/contracts'
import { createTemporaryFolder, type NatsServer, startNatsServer, until } from '@corroport/testing'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { Registry } from 'prom-client'
import { answerLedger } from '../src/ingest/answer-ledger.ts'
import { goneReason } from '../src/ingest/gaps.ts'
import { startIngest } from '../src/ingest/start-ingest.ts'
import { isoTime } from '../src/store/sql-time.ts'
import { quiet, startDatabase } from './harness.ts'

let database: Awaited<ReturnType<typeof startDatabase>>

beforeAll(async () => {
  database = await startDatabase()
})

afterAll(() => database[Symbol.asyncDispose]())

beforeEach(async () => {
  await sql`TRUNCATE sent, outcome, skipped, receipt, ack, delivery, sighting, clock_sample, event,
    ledger, ledger_gap, refused, experiment CASCADE`.execute(database.db)
})

function startParts(nats: NatsServer) {
  const { db } = database
  const stack = new AsyncDisposableStack()
  const bus = stack.use(connectBus({ url: nats.url, name: 'test', log: quiet }))
  const metrics = new Registry()
  stack.use(answerLedger({ db, bus }))
  const ingest = stack.use(startIngest({ db, bus, log: quiet, metrics }))
  return {
    bus,
    ingest,
    metrics,
    /** Published one after another, so that their sequences are known. */
    tell: (...records: { subject: string; text: string }[]) =>
      onceConnected(bus, async ({ jetstream }) => {
        for (const { subject, text } of records) await jetstream.publish(subject, text)
      }),
    dealtWith: (stream: string, sequence: number) =>
      until(async () => {
        const { streams, is_balanced } = await bus.request(ledgerQueried, {}, {}).catch(() => ({
          streams: [],
          is_balanced: false,
        }))
        const entry = streams.find((each) => each.stream === stream && each.is_current)
        return entry && entry.last_sequence >= sequence && { ...entry, is_balanced }
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

function record(event: RecordDefinition, payload: object) {
  return { subject: event.wildcard.replace('*', 'node1'), text: JSON.stringify(payload) }
}

function received(messageId: string, change: Partial<MessageReceived> = {}) {
  return record(messageReceived, receipt(messageId, change))
}

function receipt(messageId: string, change: Partial<MessageReceived> = {}): MessageReceived {
  return {
    nodeId: 'node2',
    messageId,
    transport: 'gossip',
    originNodeId: 'node1',
    via: 'updates',
    receivedAt: '2026-01-15T10:00:00.123456Z',
    ...change,
  }
}

async function receipts(): Promise<string[]> {
  const rows = await database.db
    .selectFrom('receipt')
    .select('message_id')
    .orderBy('message_id')
    .execute()
  return rows.map(({ message_id }) => message_id)
}

test('a fact that is told twice is one row, and the ledger says so', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)

  await parts.tell(received('m1'), received('m2'), received('m1'))

  expect(await parts.dealtWith('RECORDS', 3)).toMatchObject({
    published: 3,
    stored: 2,
    duplicates: 1,
    refused: 0,
    missing: [],
    waiting: 0,
    is_balanced: true,
  })
  expect(await receipts()).toEqual(['m1', 'm2'])
  expect(parts.ingest.unread).toEqual([])
  expect(await parts.metrics.metrics()).toContain(
    'corro_analytics_records_total{stream="RECORDS",outcome="stored"} 2',
  )
})

test('a time keeps its microseconds', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)

  await parts.tell(received('m1'))

  await parts.dealtWith('RECORDS', 1)
  const row = await database.db
    .selectFrom('receipt')
    .select(isoTime('received_at').as('at'))
    .executeTakeFirstOrThrow()
  expect(row.at).toBe('2026-01-15T10:00:00.123456Z')
})

test('times far from now are stored as they were told', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)
  const times = ['0001-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z']

  await parts.tell(...times.map((receivedAt) => received('m1', { receivedAt })))
  await parts.tell(...times.map((arrivedAt) => acked('m1', arrivedAt)))

  expect(await parts.dealtWith('RECORDS', 6)).toMatchObject({ stored: 6, refused: 0 })
})

test.each([
  ['is no JSON', { subject: 'corro.message.received.node1', text: '{"nodeId"' }, 'JSON'],
  ['fits no contract', { subject: 'corro.message.received.node1', text: '{}' }, 'fit its contract'],
  ['nobody knows', { subject: 'corro.message.guessed.node1', text: '{}' }, 'nothing is known'],
  ['has a day that does not exist', received('bad', { receivedAt: '2026-02-30T10:00:00Z' }), ''],
  ['has a year that Postgres has not', received('bad', { receivedAt: '0000-01-01T10:00:00Z' }), ''],
  ['has a region with NUL in it', sent({ region: 'a\0b' }), ''],
  ['has half of a surrogate pair', sent({ region: '\ud800' }), ''],
  ['has a number beyond its column', sent({ sizeBytes: 2 ** 40 }), ''],
])('a record that %s is set aside, and stops no other', async (_, bad, reason) => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)

  await parts.tell(received('m1'), received('m2'), bad, received('m3'))

  expect(await parts.dealtWith('RECORDS', 4)).toMatchObject({
    stored: 3,
    refused: 1,
    is_balanced: true,
  })
  expect(await receipts()).toEqual(['m1', 'm2', 'm3'])
  const refused = await database.db.selectFrom('refused').selectAll().executeTakeFirstOrThrow()
  expect(refused).toMatchObject({ stream: 'RECORDS', sequence: '3', subject: bad.subject })
  expect(refused.reason).toContain(reason)
  expect(refused.payload.toString()).toBe(bad.text)
  const letter = await onceConnected(parts.bus, async ({ jetstream }) =>
    (await jetstream.streams.get('DEAD')).getMessage({ last_by_subj: 'corro.dead.analytics' }),
  )
  expect(deadLettered.parse(letter?.json())).toMatchObject({ sequence: 3, stream: 'RECORDS' })
})

test('records that were gone before they could be stored are named', async () => {
  await using nats = await startNatsServer()
  {
    await using bus = connectBus({ url: nats.url, name: 'test', log: quiet })
    await onceConnected(bus, async ({ jetstream }) => {
      const { subject, text } = received('m')
      for (let count = 0; count < 6; count += 1) await jetstream.publish(subject, text)
      const manager = await jetstream.jetstreamManager()
      await manager.streams.purge('RECORDS', { seq: 3 })
      await manager.streams.deleteMessage('RECORDS', 5)
    })
  }

  await using parts = startParts(nats)

  expect(await parts.dealtWith('RECORDS', 6)).toMatchObject({
    published: 6,
    missing: [
      { from: 1, to: 2, reason: goneReason },
      { from: 5, to: 5, reason: 'deleted one by one' },
    ],
    missing_ranges: 2,
    missing_records: 3,
    is_balanced: true,
  })
})

test('what was purged before it could be stored is named before anything else is told', async () => {
  await using nats = await startNatsServer()
  {
    await using parts = startParts(nats)
    await parts.tell(received('m1'))
    await parts.dealtWith('RECORDS', 1)
  }
  await using bus = connectBus({ url: nats.url, name: 'test', log: quiet })
  await onceConnected(bus, async ({ jetstream }) => {
    const { subject, text } = received('m')
    for (let count = 0; count < 3; count += 1) await jetstream.publish(subject, text)
    await (await jetstream.jetstreamManager()).streams.purge('RECORDS')
  })
  await using _ledger = answerLedger({ db: database.db, bus })

  const { streams, is_balanced } = await until(() =>
    bus.request(ledgerQueried, {}, {}).catch(() => undefined),
  )

  expect(streams).toMatchObject([
    { published: 4, stored: 1, waiting: 0, missing: [{ from: 2, to: 4, reason: goneReason }] },
  ])
  expect(is_balanced).toBe(true)
})

test('of very many gaps the newest are told, and how many there are', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)
  await sql`INSERT INTO ledger VALUES ('RECORDS', 'long ago', 100000, 50000, 0, 0)`.execute(
    database.db,
  )
  await sql`INSERT INTO ledger_gap
    SELECT 'RECORDS', 'long ago', n * 2, n * 2, 'gone' FROM generate_series(1, 50000) n`.execute(
    database.db,
  )

  const { streams, is_balanced } = await until(() =>
    parts.bus.request(ledgerQueried, {}, {}).catch(() => undefined),
  )

  const [entry] = streams
  expect(entry).toMatchObject({ missing_records: 50_000, missing_ranges: 50_000 })
  expect(entry?.missing).toHaveLength(100)
  expect(entry?.missing.at(-1)).toEqual({ from: 100_000, to: 100_000, reason: 'gone' })
  expect(is_balanced).toBe(true)
})

test('a stream that is not there does not hide what was stored of the others', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)
  await parts.tell(received('m1'))
  await parts.dealtWith('RECORDS', 1)
  await onceConnected(parts.bus, async ({ jetstream }) => {
    await (await jetstream.jetstreamManager()).streams.delete('SAMPLES')
  })

  await parts.tell(received('m2'))

  expect(await parts.dealtWith('RECORDS', 2)).toMatchObject({ stored: 2 })
  await until(() =>
    parts.ingest.unread.includes('SAMPLES (stream not found: run corroport streams apply)'),
  )
})

test('a record whose refusal is as long as itself stops no other', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)
  const long = record(lifecycleReady, { stepsMs: { ['x'.repeat(900_000)]: 'soon' } })

  await parts.tell(long, long)

  expect(await parts.dealtWith('LIFECYCLE', 2)).toMatchObject({ refused: 2 })
})

test('while Postgres takes nothing it says why, and then all is stored', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)
  const operator = await database.pool.connect()
  await operator.query('ALTER SYSTEM SET default_transaction_read_only = on')
  await operator.query('SELECT pg_reload_conf()')

  let told = 0
  await until(async () => {
    await parts.tell(received(`m${++told}`))
    return parts.ingest.unread.some((each) => each.includes('in a read-only transaction'))
  })

  await operator.query('SET default_transaction_read_only = off')
  await operator.query('ALTER SYSTEM RESET default_transaction_read_only')
  await operator.query('SELECT pg_reload_conf()')
  operator.release(true)
  expect(await parts.dealtWith('RECORDS', told)).toMatchObject({ stored: told, missing: [] })
  await until(() => parts.ingest.unread.length === 0)
})

test('a stream that was made anew is counted on its own', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)
  await parts.tell(received('m1'), received('m2'))
  await parts.dealtWith('RECORDS', 2)

  await nats.kill()
  nats.wipe()
  await nats.start()
  await until(() => parts.bus.isConnected)
  await parts.tell(received('m3'))

  await until(async () => (await receipts()).length === 3)
  const { streams, is_balanced } = await parts.bus.request(ledgerQueried, {}, {})
  const records = streams.filter(({ stream }) => stream === 'RECORDS')
  expect(records.map(({ is_current, published }) => [is_current, published])).toEqual([
    [false, 2],
    [true, 1],
  ])
  expect(is_balanced).toBe(true)
})

test.each([
  ['ends earlier', ['m6', 'm7']],
  ['has as many records as before', ['m6', 'm7', 'm8', 'm9']],
  ['has more records than before', ['m6', 'm7', 'm8', 'm9', 'm10', 'm11']],
])(
  'when an older copy of a stream is put back and %s, what it tells is stored, once',
  async (_, others) => {
    await using nats = await startNatsServer()
    const copy = `${nats.storeFolder}-copy`
    {
      await using parts = startParts(nats)
      await parts.tell(...['m1', 'm2', 'm3'].map((id) => received(id)))
      await parts.dealtWith('RECORDS', 3)
      await nats.kill()
      cpSync(nats.storeFolder, copy, { recursive: true })
      await nats.start()
      await until(() => parts.bus.isConnected)
      await parts.tell(...['m4', 'm5', 'lost1', 'lost2'].map((id) => received(id)))
      await parts.dealtWith('RECORDS', 7)
    }
    await nats.kill()
    nats.wipe()
    cpSync(copy, nats.storeFolder, { recursive: true })
    await nats.start()
    await using bus = connectBus({ url: nats.url, name: 'test', log: quiet })
    await onceConnected(bus, async ({ jetstream }) => {
      for (const { subject, text } of others.map((id) => received(id))) {
        await jetstream.publish(subject, text)
      }
    })

    await using parts = startParts(nats)

    const all = ['m1', 'm2', 'm3', 'm4', 'm5', 'lost1', 'lost2', ...others]
    await until(async () => (await receipts()).length >= all.length)
    expect(await receipts()).toEqual(all.toSorted())
    const current = await parts.dealtWith('RECORDS', 3 + others.length)
    expect(current).toMatchObject({
      first_sequence: 1,
      published: 3 + others.length,
      stored: others.length,
      duplicates: 3,
      missing: [],
      is_balanced: true,
    })
    const { streams } = await parts.bus.request(ledgerQueried, {}, {})
    expect(streams.filter(({ stream }) => stream === 'RECORDS')).toMatchObject([
      { is_current: false, published: 7, stored: 7, ended: expect.stringContaining('up to 7') },
      { is_current: true },
    ])
  },
)

test('when a server lost its last writes and not what its consumers were given, nothing is left out', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)
  const records = join(nats.storeFolder, 'jetstream/$G/streams/RECORDS/msgs')
  await parts.tell(received('m1'), received('m2'))
  await parts.dealtWith('RECORDS', 2)
  await nats.kill()
  cpSync(records, `${nats.storeFolder}-copy`, { recursive: true })
  await nats.start()
  await until(() => parts.bus.isConnected)
  await parts.tell(...['m3', 'm4', 'm5', 'm6'].map((id) => received(id)))
  await parts.dealtWith('RECORDS', 6)

  await nats.kill()
  rmSync(records, { recursive: true })
  cpSync(`${nats.storeFolder}-copy`, records, { recursive: true })
  await nats.start()
  await until(() => parts.bus.isConnected)
  await parts.tell(received('new1'), received('new2'))

  await until(async () => (await receipts()).length === 8)
  expect(await receipts()).toEqual(['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'new1', 'new2'])
  expect(await parts.dealtWith('RECORDS', 4)).toMatchObject({ stored: 2, duplicates: 2 })
})

test('of what is told while an older copy of the store is made and put back, each is stored once', async () => {
  await using nats = await startNatsServer()
  await using bus = connectBus({ url: nats.url, name: 'test', log: quiet })
  using folder = createTemporaryFolder()
  const path = join(folder.path, 'state.sqlite')
  await using outbox = openStateFile({ path, migrations: [], bus, log: quiet })
  let told = 0
  const tellWhile = async (isGoing: () => boolean | Promise<boolean>): Promise<void> => {
    while (await isGoing()) {
      told += 1
      const payload = receipt(`m${told}`)
      outbox.transaction((tell) => tell(messageReceived, payload, payload))
      await setImmediate()
    }
  }
  const tellUntilStored = (count: number): Promise<void> =>
    tellWhile(async () => (await receipts()).length < count)
  const copy = `${nats.storeFolder}-copy`
  {
    await using _parts = startParts(nats)
    await tellUntilStored(100)
    let isCopied = false
    const copied = cp(nats.storeFolder, copy, { recursive: true }).then(() => {
      isCopied = true
    })
    await tellWhile(() => !isCopied)
    await copied
    await tellUntilStored(told + 100)
  }
  // Confirmed, and nowhere but in the store that is replaced.
  const enough = told + 100
  await tellWhile(() => told - outbox.unconfirmed() < enough)

  await nats.kill()
  nats.wipe()
  cpSync(copy, nats.storeFolder, { recursive: true })
  await nats.start()
  await using parts = startParts(nats)
  await tellUntilStored(told + 100)

  await until(async () => (await receipts()).length === told)
  const { streams } = await until(async () => {
    const ledger = await parts.bus.request(ledgerQueried, {}, {}).catch(() => undefined)
    return ledger?.is_balanced && ledger
  })
  const stored = streams.flatMap((entry) => (entry.stream === 'RECORDS' ? entry.stored : []))
  expect(stored.reduce((sum, each) => sum + each)).toBe(told)
})

test('a stream that ended where the copy ends is not read again', async () => {
  await using nats = await startNatsServer()
  {
    await using parts = startParts(nats)
    await parts.tell(received('m1'), received('m2'))
    await parts.dealtWith('RECORDS', 2)
  }
  await nats.kill()
  await nats.start()

  await using parts = startParts(nats)
  await parts.tell(received('m3'))

  expect(await parts.dealtWith('RECORDS', 3)).toMatchObject({ stored: 3, duplicates: 0 })
})

test('what arrives after the figures were computed makes them stale', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)
  const { db } = database
  await parts.tell(sent({ messageId: 'm1', experiment: slot('done') }))
  await parts.tell(sent({ messageId: 'm2', experiment: slot('running') }))
  await parts.dealtWith('RECORDS', 2)
  for (const [id, status] of Object.entries({ done: 'finished', running: 'running' })) {
    await sql`INSERT INTO experiment (id, plan, status, expected, shares, by, created_at)
      VALUES (${id}, '{}', ${status}, '[]', '[]', 'test', now())`.execute(db)
  }

  await parts.tell(acked('m1'), acked('m2'))

  await parts.dealtWith('RECORDS', 4)
  const stale = await db.selectFrom('experiment').select(['id', 'is_stale']).orderBy('id').execute()
  expect(stale).toEqual([
    { id: 'done', is_stale: true },
    { id: 'running', is_stale: false },
  ])
})

test('every other record is an event with its payload', async () => {
  await using nats = await startNatsServer()
  await using parts = startParts(nats)
  const lost = {
    nodeId: 'node1',
    table: 'node_messages',
    reason: 'the stream ended',
    at: '2026-01-15T10:00:00.512004Z',
  }
  subscriptionLost.parse(lost)

  await parts.tell(record(subscriptionLost, lost))

  await parts.dealtWith('LIFECYCLE', 1)
  const event = await database.db.selectFrom('event').selectAll().executeTakeFirstOrThrow()
  expect(event).toMatchObject({
    kind: 'subscription.lost',
    subject: 'corro.subscription.lost.node1',
    payload: lost,
  })
})

function sent(change: object) {
  return record(messageSent, {
    nodeId: 'node1',
    messageId: 'bad',
    transport: 'gossip',
    region: 'iad',
    sizeBytes: 5,
    expected: [],
    sentAt: '2026-01-15T10:00:00.123456Z',
    ...change,
  })
}

function slot(id: string) {
  return { id, number: 0, isWarmup: false, intendedAt: null, delayMs: 0 }
}

function acked(messageId: string, arrivedAt = '2026-01-15T10:00:00.223456Z') {
  const payload: AckReceived = {
    nodeId: 'node1',
    messageId,
    transport: 'gossip',
    ackNodeId: 'node2',
    via: 'updates',
    attempts: 1,
    receivedAt: null,
    sentAt: null,
    arrivedAt,
    roundTripMs: 100,
    roundTripClock: 'monotonic',
  }
  return record(ackReceived, payload)
}
