import {
  experimentImported,
  fromTimestamp,
  nowMicroseconds,
  type StoredEvent,
  storedEventsQueried,
  toTimestamp,
} from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { recordOfKind } from '../src/bundle/stored-kinds.ts'
import { toRow } from '../src/ingest/rows.ts'
import { storeFigures } from '../src/statistics/compute-figures.ts'
import { readMessages } from '../src/statistics/message-figures.ts'
import type { Db } from '../src/store/database.ts'
import { storeFacts } from '../src/store/store-facts.ts'
import { finishedExperiment, simulateEvents, storeExperiment } from './bundle-fixture.ts'
import {
  countRows,
  exportAll,
  importAll,
  newImportId,
  refusalOf,
  startBundles,
} from './bundle-harness.ts'
import { startServersOfFile } from './harness.ts'

const servers = startServersOfFile()

test('an experiment that is exported and imported elsewhere has the same records and figures', async () => {
  const experiment = finishedExperiment()
  let exported: Awaited<ReturnType<typeof exportAll>>
  let figures: Awaited<ReturnType<typeof storeFigures>>
  {
    await using here = await startBundles(servers())
    await storeExperiment(here.db, experiment, simulateEvents({}))
    figures = await storeFigures(here.db, experiment.id)
    exported = await exportAll(here.bus, experiment.id)
  }
  await using there = await startBundles(servers())

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
    await using here = await startBundles(servers())
    await storeExperiment(here.db, experiment, events)
    before = await readAllFigures(here.db, experiment.id)
    await storeFacts(
      here.db,
      clocksNow().map(({ kind, event }) => toRow(recordOfKind[kind].wildcard, event)),
    )
    exported = await exportAll(here.bus, experiment.id)
    anew = await readAllFigures(here.db, experiment.id)
  }
  await using there = await startBundles(servers())

  await importAll(there.bus, experiment, exported.events)

  expect(await readAllFigures(there.db, experiment.id)).toEqual(before)
  expect(before.figures.flush).toEqual({ sights: 40, mean_ms: 375.375 })
  const [was, would] = [before, anew].map(({ figures }) => figures.transports[0]?.one_way.bound_ms)
  expect(was).toBeGreaterThan(would ?? Number.POSITIVE_INFINITY)
})

test('a page that comes twice is stored once, and the last one gives the same answer', async () => {
  await using there = await startBundles(servers())
  const events = simulateEvents({})
  const importId = newImportId()

  const first = await importAll(there.bus, finishedExperiment(), events, importId)
  const rows = await countRows(there.db)
  const second = await importAll(there.bus, finishedExperiment(), events, importId)

  expect(second).toEqual(first)
  expect(await countRows(there.db)).toBe(rows)
})

test('the last page asked for again while it is worked on is worked on once', async () => {
  await using there = await startBundles(servers())
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
  await using here = await startBundles(servers())
  const events = simulateEvents({ messages: 3000 })
  await storeExperiment(here.db, finishedExperiment(), events)

  const exported = await exportAll(here.bus, 'baseline')

  expect(exported.pages).toBeGreaterThan(2)
  expect(exported.events).toHaveLength(events.length)
  expect(new Set(exported.events.map((event) => JSON.stringify(event))).size).toBe(events.length)
})

test('an audit of a node of that name at that time is not mixed with another one', async () => {
  await using there = await startBundles(servers())
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

test.each(['', 'nothing', 'clock/yesterday', 'skipped/a/b', 'acked/\u00e9', 'sent/ x'])(
  'the cursor %j is refused',
  async (after) => {
    await using here = await startBundles(servers())
    await storeExperiment(here.db, finishedExperiment(), [])

    const refusal = await refusalOf(
      here.bus.request(storedEventsQueried, {}, { id: 'baseline', after }),
    )

    expect(refusal.code).toBe('invalid')
  },
)

test('an experiment that does not exist has no events', async () => {
  await using here = await startBundles(servers())

  const refusal = await refusalOf(here.bus.request(storedEventsQueried, {}, { id: 'nothing' }))

  expect(refusal.code).toBe('not-found')
})
