import type { NodeReply, NodeSummary } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { nodeReply, nodeSummary } from '../test/answers.ts'
import { findComplaints } from './complaints.ts'

test('nothing is said of a cluster that is well', () => {
  expect(findComplaints([nodeSummary(1), nodeSummary(2)], nodeReply())).toEqual([])
})

test.each<[Partial<NodeSummary>, string[]]>([
  [{ presence: 'unheard', agent_state: null }, ['declared, but never heard']],
  [{ presence: 'lost' }, ['lost: it announces itself no more']],
  [{ is_declared: false }, ['heard, but not declared']],
  [{ agent_state: 'unreachable' }, ['its agent does not answer']],
  [{ agent_state: 'restarting' }, ['its agent is being restarted']],
  [{ presence: 'lost', agent_state: 'unreachable' }, ['lost: it announces itself no more']],
])('of a node with %j is said %j', (change, complaints) => {
  const nodes = [nodeSummary(1), nodeSummary(2, change)]

  expect(findComplaints(nodes, nodeReply())).toEqual(
    complaints.map((what) => ({ about: 'node2', what })),
  )
})

test('where nothing is declared, no node misses in the declaration', () => {
  const undeclared = { is_declared: false }

  expect(
    findComplaints([nodeSummary(1, undeclared), nodeSummary(2, undeclared)], nodeReply()),
  ).toEqual([])
})

test('two nodes with the same agent are named', () => {
  const actor_id = 'a'.repeat(32)

  expect(
    findComplaints([nodeSummary(1, { actor_id }), nodeSummary(2, { actor_id })], nodeReply()),
  ).toEqual([
    { about: 'node1', what: 'uses the same agent as node2' },
    { about: 'node2', what: 'uses the same agent as node1' },
  ])
})

test.each<[Partial<NodeReply>, string]>([
  [{ subscriptions: null }, 'its subscriber does not answer'],
  [{ checks: [{ name: 'nats', ok: false, detail: 'not connected' }] }, 'nats: not connected'],
  [
    { agent: { ...nodeReply().agent, state: 'unreachable', error: 'refused' } },
    'agent at http://127.0.0.1:8081: refused',
  ],
])('of the asked node with %j is said %s', (change, what) => {
  expect(findComplaints([nodeSummary(1)], nodeReply(change))).toEqual([{ about: 'node1', what }])
})
