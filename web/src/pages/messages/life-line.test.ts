import type { MessageLifeReply } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { type LifeNode, marksOf, placeOf, spanOf } from './life-line.ts'

const pk = 'node1_01KF0HV5DC9V8R7D2M5XNCJ4AT'

function node(part: Partial<LifeNode>): LifeNode {
  return {
    node_id: 'node2',
    is_origin: false,
    is_expected: true,
    reception: null,
    row: 'present',
    acknowledged_at: null,
    round_trip_ms: null,
    waiting_ms: null,
    error: null,
    ...part,
  }
}

function seenAt(first_seen: string): LifeNode['reception'] {
  return {
    pk,
    node_id: 'node2',
    origin_node_id: 'node1',
    transport: 'gossip',
    via: 'updates',
    reception_count: 1,
    first_seen,
    last_seen: first_seen,
    acknowledgement: 'confirmed',
  }
}

function life(nodes: LifeNode[]): MessageLifeReply {
  return {
    message: {
      pk,
      node_id: 'node1',
      transport: 'gossip',
      status: 'accepted',
      reason: null,
      sent_at: '2026-01-15T10:00:00.100000Z',
      accepted_at: '2026-01-15T10:00:00.104000Z',
      expected: [],
      acks: [],
      missing: [],
    },
    message_error: null,
    nodes,
    node_id: 'node1',
    timestamp: '2026-01-15T10:00:01.000000Z',
  }
}

test('each node has the times that are known of it', () => {
  const reception = seenAt('2026-01-15T10:00:00.130000Z')

  const marks = marksOf(
    life([
      node({ node_id: 'node1', is_origin: true, is_expected: false }),
      node({ reception, round_trip_ms: 42.5 }),
      node({ node_id: 'node3', waiting_ms: 900 }),
    ]),
  )

  expect(marks).toEqual([
    { nodeId: 'node1', kind: 'accepted', ms: 4 },
    { nodeId: 'node2', kind: 'seen', ms: 30 },
    { nodeId: 'node2', kind: 'acknowledged', ms: 42.5 },
  ])
})

test('a clock that is behind moves the beginning, not the mark', () => {
  const reception = seenAt('2026-01-15T10:00:00.000000Z')
  const marks = marksOf(life([node({ reception, round_trip_ms: 100 })]))

  const span = spanOf(marks)

  expect(span).toEqual({ fromMs: -100, toMs: 100 })
  expect(marks.map(({ ms }) => placeOf(ms, span))).toEqual([0, 100])
  expect(placeOf(0, span)).toBe(50)
})

test('of a message that its origin forgot no times are known', () => {
  expect(marksOf({ ...life([node({})]), message: null })).toEqual([])
  expect(spanOf([])).toEqual({ fromMs: 0, toMs: 1 })
})
