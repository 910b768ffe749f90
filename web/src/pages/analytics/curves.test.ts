import { expect, test } from '@jest/globals'
import { cumulate, pathOf, usedBuckets } from './curves.ts'

const bucket = (from_ms: number, to_ms: number, count: number) => ({ from_ms, to_ms, count })

test('empty buckets at the ends are left out, those between stay', () => {
  const buckets = [
    bucket(0, 1, 0),
    bucket(1, 2, 3),
    bucket(2, 3, 0),
    bucket(3, 4, 1),
    bucket(4, 5, 0),
  ]

  expect(usedBuckets(buckets)).toEqual(buckets.slice(1, 4))
  expect(usedBuckets([bucket(0, 1, 0)])).toEqual([])
})

test('a curve rises from nothing to everything over the edges of both kinds of buckets', () => {
  const linear = [bucket(2, 4, 1), bucket(4, 6, 3)]
  const logarithmic = [bucket(1, 2, 0), bucket(2, 8, 4)]

  const curve = cumulate({ round_trip: { n: 4 }, histogram: { linear, logarithmic } })

  expect(curve).toEqual([
    { ms: 2, share: 0 },
    { ms: 2, share: 0 },
    { ms: 4, share: 0.25 },
    { ms: 6, share: 1 },
    { ms: 8, share: 1 },
  ])
  expect(cumulate({ round_trip: { n: 0 }, histogram: { linear: [], logarithmic: [] } })).toEqual([])
})

test('a path goes through its points', () => {
  expect(
    pathOf([
      [1, 2],
      [3.3333, 4],
    ]),
  ).toBe('M1.0 2.0L3.3 4.0')
})
