import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExperimentReply } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { doneShareOf, durationOf, leftOf } from './progress.ts'

const fixture = join(
  import.meta.dirname,
  '../../../../packages/contracts/fixtures/command-analytics-experiment.json',
)
const { experiment, progress } = (
  JSON.parse(readFileSync(fixture, 'utf8')) as { reply: ExperimentReply }
).reply
const counts = { failed: 0, skipped: 0, accepted: 0 }

test.each([
  [{ planned: 100, sent: 0, expected_acks: 0, acks: 0 }, 0],
  [{ planned: 100, sent: 50, expected_acks: 100, acks: 100 }, 0.5],
  [{ planned: 100, sent: 100, expected_acks: 200, acks: 200 }, 1],
  [{ planned: 100, sent: 100, expected_acks: 200, acks: 0 }, 1 / 3],
  [{ planned: 100, sent: 90, skipped: 10, expected_acks: 180, acks: 180 }, 1],
  [{ planned: 100, sent: 100, failed: 100, expected_acks: 0, acks: 0 }, 1],
  [{ planned: 0, sent: 7, expected_acks: 14, acks: 14 }, undefined],
])('of %p the done share is %p', (some, share) => {
  expect(doneShareOf({ ...counts, ...some })).toBe(share)
})

test('what is left is told by the plan, then by the deadline, then not at all', () => {
  const half = { ...progress, planned: 400, sent: 150, skipped: 50 }
  const finishing = { ...experiment, status: 'finishing' as const }
  const deadline = '2026-01-15T10:01:10.5Z'

  expect(leftOf({ ...experiment, status: 'running' }, half, 0)).toEqual({
    ms: 200 * experiment.plan.interval_ms,
    until: 'everything is sent',
  })
  expect(
    leftOf({ ...finishing, deadline_at: deadline }, progress, Date.parse('2026-01-15T10:01:09Z')),
  ).toEqual({ ms: 1500, until: 'the deadline of acknowledgements' })
  expect(leftOf({ ...finishing, deadline_at: null }, progress, 0)).toBeUndefined()
  expect(leftOf({ ...experiment, status: 'finished' }, half, 0)).toBeUndefined()
})

test.each([
  ['finished', '2026-01-15T10:00:41Z', 41_000],
  ['running', null, 5000],
  ['interrupted', null, null],
  ['created', null, null],
] as const)('an experiment that is %s and ended at %p took %p ms', (status, finished_at, took) => {
  const one = { ...experiment, status, started_at: '2026-01-15T10:00:00Z', finished_at }

  expect(durationOf(one, Date.parse('2026-01-15T10:00:05Z'))).toBe(took)
})
