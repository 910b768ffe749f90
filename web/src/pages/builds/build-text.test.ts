import type { BuildSummary } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { isOpen, spentText } from './build-text.ts'

const build: BuildSummary = {
  id: 'b',
  platform: 'ios',
  status: 'completed',
  owner: 'ci',
  labels: [],
  priority: 0,
  submittedAt: '2026-01-15T10:00:00.000000Z',
  assignedAt: null,
  startedAt: null,
  finishedAt: null,
  attempt: 0,
  losses: 0,
  workerId: null,
  workerName: null,
  reason: null,
  sourceBytes: 1,
  resultBytes: null,
  retryOf: null,
  logLines: 0,
}

test.each([
  [{}, ''],
  [{ assignedAt: '2026-01-15T10:00:03.000000Z' }, 'waited 3.0 s'],
  [
    { assignedAt: '2026-01-15T10:00:03.000000Z', finishedAt: '2026-01-15T10:04:03.000000Z' },
    'waited 3.0 s, took 4 min',
  ],
  // Cancelled before anybody had it.
  [{ finishedAt: '2026-01-15T10:04:03.000000Z' }, ''],
])('a build with %j spent its time so: %j', (times, text) => {
  expect(spentText({ ...build, ...times })).toBe(text)
})

test.each([
  ['pending', true],
  ['assigned', true],
  ['building', true],
  ['completed', false],
  ['failed', false],
  ['cancelled', false],
  ['dead', false],
] as const)('a build that is %s is open: %s', (status, expected) => {
  expect(isOpen({ status })).toBe(expected)
})
