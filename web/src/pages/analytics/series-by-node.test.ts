import { expect, test } from '@jest/globals'
import { alignByNode } from './series-by-node.ts'

const point = (node: string, sentAt: number, roundTripMs: number) => ({
  transport: 'gossip' as const,
  node,
  sentAt,
  arrivedAt: sentAt + roundTripMs,
  roundTripMs,
})

test('receivers stand over one ascending axis, with nothing where they have nothing', () => {
  const points = [point('node3', 2000, 7), point('node2', 1000, 5), point('node3', 1000, 6)]

  expect(alignByNode(points, 500)).toEqual({
    x: [0.5, 1.5],
    series: [
      { label: 'node2', values: [5, null] },
      { label: 'node3', values: [6, 7] },
    ],
  })
})

test('without acknowledgements there is no series', () => {
  expect(alignByNode([], 0)).toEqual({ x: [], series: [] })
})
