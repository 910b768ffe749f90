import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as contracts from '@corroport/contracts'
import { definitionsAmong, type RecordDefinition } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { toRow } from './rows.ts'

const fixtures = join(import.meta.dirname, '../../../../packages/contracts/fixtures')

const events = definitionsAmong(Object.values(contracts)).filter(
  (definition): definition is RecordDefinition =>
    definition.kind === 'record' && definition !== contracts.deadLettered,
)

const tables: Record<string, string> = {
  'message.sent': 'sent',
  'message.accepted': 'outcome',
  'message.failed': 'outcome',
  'message.skipped': 'skipped',
  'message.received': 'receipt',
  'ack.received': 'ack',
  'ack.sent': 'delivery',
  'ack.failed': 'delivery',
  'change.observed': 'sighting',
  'clock.sampled': 'clock_sample',
}

function nameOf({ template }: RecordDefinition): string {
  return template.split('.').slice(1, 3).join('.')
}

function example(event: RecordDefinition): Record<string, unknown> {
  return JSON.parse(readFileSync(join(fixtures, `${nameOf(event).replace('.', '-')}.json`), 'utf8'))
}

function rowOf(event: RecordDefinition, change: Record<string, unknown> = {}) {
  return toRow(event.wildcard.replace('*', 'node1'), { ...example(event), ...change })
}

test.each(events.map((event) => [nameOf(event), event] as const))(
  'a record of %s has a table, and a value for its time',
  (name, event) => {
    const { table, values } = rowOf(event)

    expect(table).toBe(tables[name] ?? 'event')
    expect(Object.values(values)).not.toContain(undefined)
    expect(Object.values(values)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^2026-01-15T\d\d:\d\d:\d\d\.\d{6}Z$/)]),
    )
  },
)

test.each([
  [
    'the newest of several writes',
    [
      { siteId: 'a', dbVersion: '1', hlc: String((1_768_471_200n << 32n) | 0x80000000n) },
      { siteId: 'b', dbVersion: '2', hlc: String(1_768_471_200n << 32n) },
    ],
    { site_id: 'a', written_at: '2026-01-15T10:00:00.500000Z' },
  ],
  [
    'no time where the agent knows none',
    [{ siteId: 'a', dbVersion: '1', hlc: '0' }],
    {
      site_id: 'a',
      written_at: null,
    },
  ],
  ['nothing where nothing is known', [], { site_id: null, written_at: null }],
])('a sighting has %s', (_, writes, expected) => {
  expect(rowOf(contracts.changeObserved, { writes }).values).toMatchObject(expected)
})

test('the slot of an experiment stands in its columns, durations in µs', () => {
  expect(rowOf(contracts.messageSent).values).toMatchObject({
    experiment_id: 'gossip-baseline',
    number: 12,
    is_warmup: false,
    delay_us: 71,
    expected_count: 2,
  })
})

test.each([
  ['a field is missing', 'corro.message.received.node1', {}, 'does not fit its contract'],
  ['the subject is unknown', 'corro.message.guessed.node1', {}, 'nothing is known'],
  ['a subject has no name at all', 'corro', {}, 'nothing is known'],
  [
    'the time of a write is no number',
    'corro.change.observed.node1',
    { ...example(contracts.changeObserved), writes: [{ siteId: 'a', dbVersion: '1', hlc: 'x' }] },
    'Cannot convert x to a BigInt',
  ],
  [
    'the time of a write lies beyond all dates',
    'corro.change.observed.node1',
    {
      ...example(contracts.changeObserved),
      writes: [{ siteId: 'a', dbVersion: '1', hlc: '9'.repeat(40) }],
    },
    'Invalid time value',
  ],
])('it throws where %s', (_, subject, payload, message) => {
  expect(() => toRow(subject, payload)).toThrow(message)
})
