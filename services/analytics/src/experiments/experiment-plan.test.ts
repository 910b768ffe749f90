import type { ExperimentPlan } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import {
  createExperimentId,
  createShareOrder,
  createShares,
  findPlanProblems,
} from './experiment-plan.ts'

const plan = (changes: Partial<ExperimentPlan> = {}): ExperimentPlan => ({
  name: 'gossip baseline',
  note: '',
  transports: ['gossip'],
  origins: ['node1'],
  count: 10,
  interval_ms: 100,
  payload_bytes: 64,
  warmup: 0,
  seed: 1,
  repeat_of: null,
  ...changes,
})

test('everything that is wrong with a plan is said at once', () => {
  const problems = findPlanProblems(
    plan({
      origins: ['node1', 'gone', 'going', 'stranger'],
      count: 100_000,
      interval_ms: 1000,
      warmup: 100_000,
    }),
    (nodeId) => ({ node1: 'active', gone: 'left', going: 'draining' })[nodeId],
  )

  expect(problems).toEqual([
    'origin gone has left the cluster',
    'origin going is draining',
    'origin stranger is not known',
    'warmup is 100000 of 100000 messages: nothing would be counted',
    'it would send for 1.2 days: count × transports × interval_ms is at most 86400000',
  ])
})

test('one without a count needs none', () => {
  expect(findPlanProblems(plan({ count: 0, warmup: 5 }), () => 'active')).toEqual([])
})

test.each([
  ['Gossip: baseline/1', 'gossip-baseline-1-q8r9s0t1'],
  ['  Größe  ', 'gro-e-q8r9s0t1'],
  ['../../etc', 'etc-q8r9s0t1'],
  ['日本', 'experiment-q8r9s0t1'],
  ['x'.repeat(200), `${'x'.repeat(48)}-q8r9s0t1`],
])('the name %j becomes a token of subjects', (name, id) => {
  expect(createExperimentId(name, '01KF0HJ0BV9V8R7D2MQ8R9S0T1')).toBe(id)
})

test('the shares are all messages, one after another', () => {
  const shared = plan({ origins: ['a', 'b', 'c'], transports: ['gossip', 'direct'], count: 10 })

  expect(createShares(shared).map(({ planned }) => planned)).toEqual([7, 7, 6])
  expect(createShareOrder({ id: 'one', plan: shared }, 'c', 500)).toMatchObject({
    slots: 20,
    origin: 2,
    origins: 3,
    startsInMs: 500,
  })
})
