import { type Experiment, experimentImported, type StoredEvent } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { finishedExperiment, simulateEvents } from './bundle-fixture.ts'
import { countRows, importAll, newImportId, refusalOf, startBundles } from './bundle-harness.ts'
import { startServersOfFile } from './harness.ts'

const servers = startServersOfFile()

const changed = (kind: StoredEvent['kind'], change: Record<string, unknown>): StoredEvent[] => {
  const events = simulateEvents({})
  const index = events.findIndex((event) => event.kind === kind)
  return events.with(index, { kind, event: Object.assign({}, events[index]?.event, change) })
}

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
  await using there = await startBundles(servers())

  const refusal = await refusalOf(importAll(there.bus, finishedExperiment(), events))

  expect(refusal).toEqual({ code: 'invalid', message: expect.stringContaining(reason) })
  expect(await countRows(there.db)).toBe(0)
})

test('an import is refused when a page is missing, or the experiment runs or is not told', async () => {
  await using there = await startBundles(servers())
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
  await using there = await startBundles(servers())
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
  await using there = await startBundles(servers())
  const events = simulateEvents({})
  await importAll(there.bus, finishedExperiment(), events)
  await there.db.deleteFrom('experiment').execute()

  const { experiment } = await importAll(there.bus, finishedExperiment(), events)

  expect(experiment?.id).toBe('baseline')
})

test('abandoned imports are removed when another begins', async () => {
  await using there = await startBundles(servers())
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
