import { type Bus, CommandError } from '@corroport/bus'
import {
  type Experiment,
  experimentImported,
  fromTimestamp,
  nowMicroseconds,
  type StoredEvent,
  storedEventsQueried,
  toTimestamp,
} from '@corroport/contracts'
import { type Postgres, startPostgres } from '@corroport/testing'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { answerBundles } from '../src/bundle/answer-bundles.ts'
import { recordOfKind } from '../src/bundle/stored-kinds.ts'
import { toRow } from '../src/ingest/rows.ts'
import { storeFigures } from '../src/statistics/compute-figures.ts'
import { readMessages } from '../src/statistics/message-figures.ts'
import type { Db } from '../src/store/database.ts'
import { storeFacts } from '../src/store/store-facts.ts'
import { finishedExperiment, simulateEvents, storeExperiment } from './bundle-fixture.ts'
import { createDatabase, quiet, startBus } from './harness.ts'

let postgres: Postgres
let messaging: Awaited<ReturnType<typeof startBus>>
beforeAll(async () => {
  postgres = await startPostgres()
  messaging = await startBus()
})
afterAll(async () => {
  await messaging[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

/** Answers from a database of its own until it is disposed. */
async function startBundles() {
  await using starting = new AsyncDisposableStack()
  const { db } = starting.use(await createDatabase(postgres))
  const { bus } = messaging
  starting.use(answerBundles({ db, bus, log: quiet }))
  return Object.assign(starting.move(), { db, bus })
}

async function exportAll(bus: Bus, id: string) {
  const events: StoredEvent[] = []
  let pages = 0
  let after: string | undefined
  do {
    const page = await bus.request(
      storedEventsQueried,
      {},
      after === undefined ? { id } : { id, after },
    )
    events.push(...page.events)
    after = page.next ?? undefined
    pages++
  } while (after !== undefined)
  return { events, pages }
}

let imports = 0
const newImportId = (): string => `01KF0HJ0BV9V8R7D2M5XNC${String(++imports).padStart(4, '0')}`

async function importAll(
  bus: Bus,
  experiment: Experiment,
  events: readonly StoredEvent[],
  importId = newImportId(),
) {
  const pages = [events.slice(0, 100), events.slice(100)]
  const [first = [], second = []] = pages
  const base = { importId, by: 'operator' }
  await bus.request(
    experimentImported,
    {},
    { ...base, page: 0, isLast: false, experiment, events: first },
  )
  return bus.request(experimentImported, {}, { ...base, page: 1, isLast: true, events: second })
}

async function refusalOf(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof CommandError) || !error.refusal) throw error ?? new Error('not refused')
  return { code: error.refusal.code, message: error.refusal.message }
}

async function countRows(db: Db): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT ((SELECT count(*) FROM sent) + (SELECT count(*) FROM ack)
      + (SELECT count(*) FROM experiment))::integer AS n`.execute(db)
  return rows[0]?.n ?? 0
}

test('an experiment that is exported and imported elsewhere has the same records and figures', async () => {
  const experiment = finishedExperiment()
  let exported: Awaited<ReturnType<typeof exportAll>>
  let figures: Awaited<ReturnType<typeof storeFigures>>
  {
    await using here = await startBundles()
    await storeExperiment(here.db, experiment, simulateEvents({}))
    figures = await storeFigures(here.db, experiment.id)
    exported = await exportAll(here.bus, experiment.id)
  }
  await using there = await startBundles()

  const { stored, experiment: imported } = await importAll(there.bus, experiment, exported.events)

  expect(stored).toBe(simulateEvents({}).length)
  expect(imported).toEqual({ ...experiment, imported_from: 'bundle' })
  const again = await storeFigures(there.db, experiment.id)
  expect(again).toEqual({ ...figures, computed_at: again.computed_at })
  expect((await exportAll(there.bus, experiment.id)).events).toEqual(exported.events)
  const kinds = new Map(exported.events.map(({ kind }, index) => [kind, index]))
  expect([...kinds.keys()]).toEqual([
    'sent',
    'accepted',
    'failed',
    'skipped',
    'received',
    'acked',
    'clock',
  ])
})

const audit = (at: string, count: number, p50: number): StoredEvent => ({
  kind: 'audit',
  event: {
    nodeId: 'node2',
    table: 'node_messages',
    at,
    rows: 40,
    differing: 0,
    differingKeys: [],
    durationMs: 3.5,
    flushLagMs: { count, p50, p95: 590 },
  },
})

/** The same, as if it had begun so long ago. */
function shifted<T>(value: T, beganAgoMs: number): T {
  const by = Date.now() - beganAgoMs - Date.parse('2026-11-20T10:00:00Z')
  const text = JSON.stringify(value).replaceAll(/(?<=")2026-11-20T[^"]+Z(?=")/g, (time) =>
    toTimestamp((fromTimestamp(time) ?? 0) + by * 1000),
  )
  return JSON.parse(text)
}

async function readAllFigures(db: Db, id: string) {
  const figures = await storeFigures(db, id)
  const pairs = await db.selectFrom('experiment_pair').selectAll().execute()
  const blocks = await db.selectFrom('experiment_block').selectAll().execute()
  const after = { number: -1, messageId: '' }
  const messages = await readMessages(db, { experimentId: id, after, limit: 1000 })
  return { figures: { ...figures, computed_at: '' }, pairs, blocks, messages }
}

test('figures after an import are those of before, whatever was told since they were computed', async () => {
  const experiment = shifted(finishedExperiment({ deadline_at: null }), 60_000)
  const events = shifted(
    [
      // The clocks of the messages are known by one sample before them.
      ...simulateEvents({}).filter(
        ({ kind, event }) => kind !== 'clock' || !/10:00:(05|15)/.test(JSON.stringify(event)),
      ),
      audit('2026-11-20T10:00:02.000000Z', 30, 400.5),
      audit('2026-11-20T10:00:12.000000Z', 10, 300),
      audit('2026-11-20T10:00:50.000000Z', 10, 20),
    ],
    60_000,
  )
  const clocksNow = () =>
    ['node1', 'node2', 'node3'].map((nodeId): StoredEvent => {
      const at = toTimestamp(nowMicroseconds())
      const measured = { offsetMs: 0, boundMs: 0.2, roundTripMs: 0.4, probes: 8, driftPpm: null }
      return { kind: 'clock', event: { nodeId, at, ...measured } }
    })
  let before: Awaited<ReturnType<typeof readAllFigures>>
  let anew: typeof before
  let exported: Awaited<ReturnType<typeof exportAll>>
  {
    await using here = await startBundles()
    await storeExperiment(here.db, experiment, events)
    before = await readAllFigures(here.db, experiment.id)
    await storeFacts(
      here.db,
      clocksNow().map(({ kind, event }) => toRow(recordOfKind[kind].wildcard, event)),
    )
    exported = await exportAll(here.bus, experiment.id)
    anew = await readAllFigures(here.db, experiment.id)
  }
  await using there = await startBundles()

  await importAll(there.bus, experiment, exported.events)

  expect(await readAllFigures(there.db, experiment.id)).toEqual(before)
  expect(before.figures.flush).toEqual({ sights: 40, mean_ms: 375.375 })
  const [was, would] = [before, anew].map(({ figures }) => figures.transports[0]?.one_way.bound_ms)
  expect(was).toBeGreaterThan(would ?? Number.POSITIVE_INFINITY)
})

test('a page that comes twice is stored once, and the last one gives the same answer', async () => {
  await using there = await startBundles()
  const events = simulateEvents({})
  const importId = newImportId()

  const first = await importAll(there.bus, finishedExperiment(), events, importId)
  const rows = await countRows(there.db)
  const second = await importAll(there.bus, finishedExperiment(), events, importId)

  expect(second).toEqual(first)
  expect(await countRows(there.db)).toBe(rows)
})

test('the last page asked for again while it is worked on is worked on once', async () => {
  await using there = await startBundles()
  const request = {
    importId: newImportId(),
    page: 0,
    isLast: true,
    experiment: finishedExperiment(),
    events: simulateEvents({ messages: 500 }),
    by: 'operator',
  }

  const replies = await Promise.all(
    [1, 2, 3].map(() => there.bus.request(experimentImported, {}, request)),
  )

  expect(replies[1]).toEqual(replies[0])
  expect(replies[2]).toEqual(replies[0])
  expect(replies[0]?.experiment?.id).toBe('baseline')
})

test('many events come in pages below a megabyte, each once', async () => {
  await using here = await startBundles()
  const events = simulateEvents({ messages: 3000 })
  await storeExperiment(here.db, finishedExperiment(), events)

  const exported = await exportAll(here.bus, 'baseline')

  expect(exported.pages).toBeGreaterThan(2)
  expect(exported.events).toHaveLength(events.length)
  expect(new Set(exported.events.map((event) => JSON.stringify(event))).size).toBe(events.length)
})

const changed = (kind: StoredEvent['kind'], change: Record<string, unknown>): StoredEvent[] => {
  const events = simulateEvents({})
  const index = events.findIndex((event) => event.kind === kind)
  return events.with(index, { kind, event: Object.assign({}, events[index]?.event, change) })
}

test('an audit of a node of that name at that time is not mixed with another one', async () => {
  await using there = await startBundles()
  const audits = ['02', '03', '04'].map((second) => audit(`2026-11-20T10:00:${second}Z`, 5, 100))
  await storeFacts(
    there.db,
    audits.slice(1, 2).map(({ kind, event }) => toRow(recordOfKind[kind].wildcard, event)),
  )
  const [first, , last] = audits
  const other = [...simulateEvents({}), ...(first && last ? [first, last] : [])]

  expect(await refusalOf(importAll(there.bus, finishedExperiment(), other))).toEqual({
    code: 'conflict',
    message: expect.stringContaining('was audited here at the same time, otherwise: node2'),
  })
  const same = await importAll(there.bus, finishedExperiment(), [...simulateEvents({}), ...audits])
  expect(same.experiment?.id).toBe('baseline')
})

test.each<[string, StoredEvent[], string]>([
  [
    'a day that does not exist',
    changed('acked', { arrivedAt: '2026-02-30T10:00:00Z' }),
    'arrived_at 2026-02-30',
  ],
  ['a time to come', changed('sent', { sentAt: '2126-01-01T00:00:00Z' }), 'sent_at 2126'],
  [
    'a time of another month',
    changed('acked', { arrivedAt: '2026-01-01T00:00:00Z' }),
    'more than a day before',
  ],
  [
    'a number out of range',
    changed('sent', { sizeBytes: 2 ** 40 }),
    'size_bytes 1099511627776 is out of range',
  ],
  ['half of a character', changed('failed', { reason: '\ud800' }), 'reason has characters'],
  ['NUL', changed('failed', { reason: 'a\0b' }), 'reason has characters'],
  ['a negative monotonic round trip', changed('acked', { roundTripMs: -1 }), 'below zero'],
  ['an id of another shape', changed('received', { nodeId: '../../etc' }), '/nodeId must match'],
  [
    'a receipt without its message',
    changed('received', { messageId: 'node1_other' }),
    'receipt of a message that the file does not have: node1_other',
  ],
  [
    'an outcome of another origin',
    changed('accepted', { nodeId: 'node2' }),
    'outcome of a message',
  ],
  [
    'a message of another experiment',
    changed('skipped', { experimentId: 'other' }),
    'skipped messages of another experiment: other',
  ],
  [
    'a message sent twice',
    [...simulateEvents({}), ...changed('sent', { sentAt: '2026-11-20T10:00:09Z' }).slice(0, 1)],
    'sent twice',
  ],
  [
    'an acknowledgement twice',
    [
      ...simulateEvents({}),
      ...changed('acked', { arrivedAt: '2026-11-20T10:00:09Z' })
        .filter(({ kind }) => kind === 'acked')
        .slice(0, 1),
    ],
    'acknowledged twice',
  ],
])('an import with %s is refused whole', async (_, events, reason) => {
  await using there = await startBundles()

  const refusal = await refusalOf(importAll(there.bus, finishedExperiment(), events))

  expect(refusal).toEqual({ code: 'invalid', message: expect.stringContaining(reason) })
  expect(await countRows(there.db)).toBe(0)
})

test('an import is refused when a page is missing, or the experiment runs or is not told', async () => {
  await using there = await startBundles()
  const base = { by: 'operator', events: [], isLast: true }
  const ask = (request: { page: number; experiment?: Experiment }) =>
    refusalOf(
      there.bus.request(experimentImported, {}, { ...base, importId: newImportId(), ...request }),
    )

  expect(await ask({ page: 1, experiment: finishedExperiment() })).toMatchObject({
    message: expect.stringContaining('page 0 of 2 is missing'),
  })
  expect(
    await ask({ page: 0, experiment: finishedExperiment({ status: 'running' }) }),
  ).toMatchObject({
    message: 'baseline is running; only what has ended can be imported',
  })
  expect(await ask({ page: 0 })).toMatchObject({ message: 'one page tells the experiment' })
})

test('what is stored already is not mixed with what is imported', async () => {
  await using there = await startBundles()
  const events = simulateEvents({})
  await importAll(there.bus, finishedExperiment(), events)
  const renamed = events.map(({ kind, event }) => ({
    kind,
    event: JSON.parse(JSON.stringify(event).replaceAll('"baseline"', '"copy"')),
  }))
  const otherClock = renamed.map(({ kind, event }) => ({
    kind,
    event: JSON.parse(
      JSON.stringify(event).replaceAll('node1_', 'node1_x').replaceAll('1.255', '9.5'),
    ),
  }))

  expect(await refusalOf(importAll(there.bus, finishedExperiment(), events))).toEqual({
    code: 'conflict',
    message: 'there is an experiment baseline already',
  })
  expect(
    await refusalOf(importAll(there.bus, finishedExperiment({ id: 'copy' }), renamed)),
  ).toEqual({
    code: 'conflict',
    message: expect.stringContaining('are stored here as those of another experiment: baseline'),
  })
  expect(
    await refusalOf(importAll(there.bus, finishedExperiment({ id: 'copy' }), otherClock)),
  ).toEqual({ code: 'conflict', message: expect.stringContaining('the clock of a node') })
})

test('an experiment that was deleted can be imported again', async () => {
  await using there = await startBundles()
  const events = simulateEvents({})
  await importAll(there.bus, finishedExperiment(), events)
  await there.db.deleteFrom('experiment').execute()

  const { experiment } = await importAll(there.bus, finishedExperiment(), events)

  expect(experiment?.id).toBe('baseline')
})

test('abandoned imports are removed when another begins', async () => {
  await using there = await startBundles()
  const events = simulateEvents({}).slice(0, 10)
  const begin = (page: number) =>
    there.bus.request(
      experimentImported,
      {},
      {
        importId: newImportId(),
        page,
        isLast: false,
        events,
        by: 'operator',
      },
    )
  await begin(0)
  await sql`UPDATE import_page SET taken_at = now() - interval '2 hours'`.execute(there.db)

  await begin(0)

  const { rows } = await sql<{ n: number }>`SELECT count(*)::integer AS n FROM import_row`.execute(
    there.db,
  )
  expect(rows).toEqual([{ n: events.length }])
})

test.each(['', 'nothing', 'clock/yesterday', 'skipped/a/b', 'acked/\u00e9', 'sent/ x'])(
  'the cursor %j is refused',
  async (after) => {
    await using here = await startBundles()
    await storeExperiment(here.db, finishedExperiment(), [])

    const refusal = await refusalOf(
      here.bus.request(storedEventsQueried, {}, { id: 'baseline', after }),
    )

    expect(refusal.code).toBe('invalid')
  },
)

test('an experiment that does not exist has no events', async () => {
  await using here = await startBundles()

  const refusal = await refusalOf(here.bus.request(storedEventsQueried, {}, { id: 'nothing' }))

  expect(refusal.code).toBe('not-found')
})
