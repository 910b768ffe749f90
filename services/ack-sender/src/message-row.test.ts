import { expect, test } from '@jest/globals'
import { readMessageRow } from './message-row.ts'

const row = { node_id: 'node2', originating_endpoint: '127.0.0.1:5002', message: "it's" }

test('a message of another node is read with what it claims', () => {
  expect(readMessageRow({ key: ['node2_A'], row }, 'node1')).toEqual({
    kind: 'message',
    messageId: 'node2_A',
    originNodeId: 'node2',
    claimedEndpoint: '127.0.0.1:5002',
  })
})

test('a message of this node is its own', () => {
  expect(readMessageRow({ key: ['node2_A'], row }, 'node2')).toEqual({ kind: 'own' })
})

test.each([
  ['a key that is no text', { key: [5], row }, '5'],
  ['a key of two columns', { key: ['node2_A', 'B'], row }, 'node2_A'],
  ['a key with a line break', { key: ['node2_\r\n'], row }, 'node2_\\r\\n'],
  ['a key with a lone surrogate', { key: ['node2_\ud800'], row }, 'node2_\\ud800'],
  [
    'a key that is too long',
    { key: [`node2_${'x'.repeat(200)}`], row },
    `node2_${'x'.repeat(122)}`,
  ],
  ['a row that was left out', { key: ['node2_A'], row: null, omittedBytes: 2_000_000 }, 'node2_A'],
  ['no node_id', { key: ['node2_A'], row: {} }, 'node2_A'],
  ['a node_id with a dot', { key: ['a.b_A'], row: { node_id: 'a.b' } }, 'a.b_A'],
  ['a key of another node', { key: ['node3_A'], row }, 'node3_A'],
])('%s is suspect', (_, change, messageId) => {
  expect(readMessageRow(change, 'node1')).toMatchObject({ kind: 'suspect', messageId })
})

test('a row of another node that names this one is not taken for an own message', () => {
  const forged = { ...row, node_id: 'node1' }

  expect(readMessageRow({ key: ['node2_A'], row: forged }, 'node1').kind).toBe('suspect')
})
