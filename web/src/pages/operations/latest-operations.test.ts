import type { Operation, StoredRecord } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { durationOf, latestOperations } from './latest-operations.ts'

const restart: Operation = {
  id: 'node2_01KF0HV5DC9V8R7D2M5XNCJ4AT',
  kind: 'restart',
  node_id: 'node2',
  by: 'operator',
  state: 'running',
  reason: null,
  steps: [],
  started_at: '2026-01-15T10:05:00.204119Z',
  finished_at: null,
}

function record(version: number, part: Partial<Operation> = {}): StoredRecord {
  return {
    stream: 'LIFECYCLE',
    sequence: version,
    stored_at: '2026-01-15T10:05:06.349006Z',
    subject: 'corro.operation.changed.node2',
    violation: null,
    payload: { nodeId: 'node2', version, operation: { ...restart, ...part } },
  }
}

test('of one operation the last state counts, in whatever order its records come', () => {
  const records = [record(3, { state: 'succeeded' }), record(1), record(2)]

  expect(latestOperations(records)).toMatchObject([{ state: 'succeeded' }])
  expect(latestOperations(records.toReversed())).toMatchObject([{ state: 'succeeded' }])
})

test('the one that began last comes first', () => {
  const later = {
    id: 'node3_01KF0HV5DC9V8R7D2M5XNCJ4AZ',
    started_at: '2026-01-15T10:06:00.000000Z',
  }

  expect(latestOperations([record(1), record(1, later)])).toMatchObject([later, { id: restart.id }])
})

test('a record that fits no contract is left out', () => {
  expect(latestOperations([{ ...record(1), violation: '/operation: must be object' }])).toEqual([])
})

test('what goes on lasts until now', () => {
  const nowMs = Date.parse('2026-01-15T10:05:10.204Z')

  expect(durationOf(restart, nowMs)).toBe(10_000)
  expect(durationOf({ ...restart, finished_at: '2026-01-15T10:05:06.204119Z' }, nowMs)).toBe(6000)
})
