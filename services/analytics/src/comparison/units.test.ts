import { expect, test } from '@jest/globals'
import { createBlock as block } from '../../test/blocks.ts'
import { type Block, correlationLength, createUnitPool, joinNeighbours } from './units.ts'

const alternating = (count: number, offset = 0): Block[] =>
  Array.from({ length: count }, (_, index) => block([4000 + ((index * 37 + offset) % 41) * 10]))

test.each([1, 2, 3, 19, 20, 99, 100, 10_000])(
  'percentiles of %i samples in buckets are within 1 % of the nearest rank',
  (n) => {
    const samples = Array.from({ length: n }, (_, index) => 1000 + ((index * 7919) % n) * 3)
    const sorted = samples.toSorted((one, other) => one - other)
    const exact = (share: number): number => (sorted[Math.ceil(share * n) - 1] ?? 0) / 1000

    const figures = createUnitPool([block(samples)]).figuresOf(Uint32Array.of(0))

    expect(Math.abs(figures.median / exact(0.5) - 1)).toBeLessThan(0.01)
    expect(Math.abs(figures.p95 / exact(0.95) - 1)).toBeLessThan(0.01)
    expect(figures.loss).toBe(0)
  },
)

test('a unit that is drawn twice counts twice', () => {
  const pool = createUnitPool([block([1000, 1000], 4), block([9000])])

  expect(pool.figuresOf(Uint32Array.of(0, 1, 1)).loss).toBeCloseTo(2 / 6)
  expect(pool.figuresOf(Uint32Array.of(0, 1, 1, 1)).median).toBeGreaterThan(8.8)
})

test('blocks that follow each other are joined to as many as their correlation leaves', () => {
  const blocks = alternating(200)

  expect(joinNeighbours([blocks], 1)).toMatchObject({ areTooShort: false })
  expect(joinNeighbours([blocks], 1).blocks).toHaveLength(40)
  expect(joinNeighbours([blocks], 2).blocks).toHaveLength(20)
  expect(joinNeighbours([blocks], 2).blocks.map(({ messages }) => messages)).toEqual(
    Array(20).fill(10),
  )
  const long = joinNeighbours([blocks], 40)
  expect([long.blocks.length, long.areTooShort]).toEqual([10, true])
})

test('what changes slowly has a long correlation, what does not has none', () => {
  const slow = Array.from({ length: 200 }, (_, index) =>
    block([5000 + 2000 * Math.sin(index / 60)]),
  )

  expect(correlationLength([slow])).toBeGreaterThan(10)
  expect(correlationLength([Array(20).fill(block([5000]))])).toBe(1)
  expect(correlationLength([[], [block([], 2)]])).toBe(1)
})
