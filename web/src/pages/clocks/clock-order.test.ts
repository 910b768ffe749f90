import type { ClockState } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { compareClocks } from './clock-order.ts'

const clock = (
  node_id: string,
  state: ClockState['state'],
  offset_ms: number | null,
): ClockState => ({
  node_id,
  state,
  offset_ms,
  bound_ms: offset_ms === null ? null : 0.5,
  drift_ppm: null,
  round_trip_ms: null,
  at: null,
  error: null,
})

test('alarms come first, then what is not known, then by name', () => {
  const clocks = [
    clock('node1', 'ok', 0.1),
    clock('node10', 'ok', -3),
    clock('node3', 'unknown', null),
    clock('node2', 'alarm', 500),
  ]

  expect(compareClocks(clocks).map(({ node_id, furthest }) => [node_id, furthest])).toEqual([
    ['node2', { nodeId: 'node10', apartMs: 502 }],
    ['node3', null],
    ['node1', { nodeId: 'node2', apartMs: 498.9 }],
    ['node10', { nodeId: 'node2', apartMs: 502 }],
  ])
})

test('clocks within their bounds are not apart, and one alone has no other', () => {
  expect(compareClocks([clock('a', 'ok', 0.2), clock('b', 'ok', -0.1)])).toMatchObject([
    { furthest: { nodeId: 'b', apartMs: 0 } },
    { furthest: { nodeId: 'a', apartMs: 0 } },
  ])
  expect(compareClocks([clock('a', 'ok', 0)])).toMatchObject([{ furthest: null }])
})
