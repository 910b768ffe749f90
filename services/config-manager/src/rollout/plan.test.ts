import type { CheckedEdit } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { judgeNode, orderNodes } from './plan.ts'

test.each([
  [['node1', 'node2', 'node10'], [], ['node2', 'node10', 'node1']],
  [['node1', 'node2', 'node3'], ['node2'], ['node3', 'node2', 'node1']],
  [['node1', 'node2'], ['node2'], ['node2', 'node1']],
  [['node1'], ['node1'], ['node1']],
  [['node3', 'node2'], ['node1'], ['node2', 'node3']],
])('of %j, with %j important, the order is %j', (nodeIds, important, order) => {
  expect(orderNodes(nodeIds, 'node1', important)).toEqual(order)
})

const checked: CheckedEdit = {
  node_id: 'node2',
  diff: '',
  sha256_before: 'a'.repeat(64),
  sha256_after: 'b'.repeat(64),
  bootstrap_before: [],
  bootstrap_after: [],
  gossip_address_before: null,
  gossip_address_after: null,
  resolved: [{ host: 'gone.example:1', addresses: [], error: 'ENOTFOUND' }],
  problems: ['perf.x is no setting'],
  warnings: [],
  agent: { state: 'unreachable', actor_id: null },
  clock: '2026-01-15T12:00:00.000000Z',
}

test('of a node that stays as it is only what it is without a change counts', () => {
  const answer = { checked, clockAheadMs: 0 }

  expect(judgeNode(answer, true, 'draining')).toEqual({
    problems: ['perf.x is no setting', 'its agent is unreachable'],
    warnings: ['gone.example:1: ENOTFOUND', 'the node is draining'],
  })
  expect(judgeNode(answer, false, 'draining')).toEqual({
    problems: ['its agent is unreachable'],
    warnings: [],
  })
  expect(judgeNode({ error: 'no answer' }, true, 'active').problems).toEqual(['no answer'])
  expect(judgeNode({ error: 'no answer' }, false, 'active').warnings).toEqual(['no answer'])
})

test.each([
  [299, { problems: [], warnings: [] }],
  [350, { problems: [], warnings: ['its clock is at least 350 ms ahead'] }],
  [-12_000, { problems: ['its clock is at least 12000 ms behind'], warnings: [] }],
])('a clock that is %i ms ahead is judged %j', (clockAheadMs, judged) => {
  const agent: CheckedEdit['agent'] = { state: 'ready', actor_id: null }

  expect(judgeNode({ checked: { ...checked, agent }, clockAheadMs }, false, 'active')).toEqual(
    judged,
  )
})
