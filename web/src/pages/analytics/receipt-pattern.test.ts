import { expect, test } from '@jest/globals'
import { patternOf } from './receipt-pattern.ts'

const point = (node: string, arrivedAt: number) => ({
  transport: 'gossip' as const,
  node,
  sentAt: arrivedAt - 5,
  arrivedAt,
  roundTripMs: 5,
})

test('arrivals are counted by node, in buckets of one width from the first arrival on', () => {
  const pattern = patternOf([
    point('node10', 1000),
    point('node2', 1000.4),
    point('node2', 1000.9),
    point('node2', 1009),
  ])

  expect(pattern).toMatchObject({ from: 1000, bucketMs: 1, buckets: 10, most: 2 })
  expect(pattern?.nodes.map(({ node, n }) => [node, n])).toEqual([
    ['node2', 3],
    ['node10', 1],
  ])
  expect(pattern?.nodes[0]?.counts).toEqual([2, 0, 0, 0, 0, 0, 0, 0, 0, 1])
})

test('a long experiment has wider buckets, not more of them', () => {
  const day = patternOf([point('node1', 0), point('node1', 86_400_000)])
  const seconds = patternOf([point('node1', 0), point('node1', 7900)])

  expect(day?.buckets).toBeLessThanOrEqual(161)
  expect(seconds).toMatchObject({ bucketMs: 50, buckets: 159 })
  expect(seconds?.nodes[0]?.counts.at(-1)).toBe(1)
})

test('without arrivals there is no pattern', () => {
  expect(patternOf([])).toBeUndefined()
})
