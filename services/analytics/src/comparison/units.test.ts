import { describe, expect, test } from '@jest/globals'
import { compare, type Run } from './compare.ts'
import { type Block, correlationLength, createUnitPool, joinNeighbours } from './units.ts'

const block = (microseconds: readonly number[], expected = microseconds.length): Block => {
  const buckets: Record<string, number> = {}
  for (const value of microseconds) {
    const upper = 1.01 ** Math.ceil(Math.log(value) / Math.log(1.01))
    buckets[upper] = (buckets[upper] ?? 0) + 1
  }
  return { messages: 1, expected, acks: microseconds.length, buckets }
}

const run = (id: string, blocks: Block[], transport: 'gossip' | 'direct' = 'gossip'): Run => ({
  id,
  transports: [{ transport, blocks }],
})

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

describe('a comparison', () => {
  test('of too few blocks says that it is too little', () => {
    const { figures, sentence } = compare({
      a: [run('a', alternating(3))],
      b: [run('b', alternating(100))],
      seed: 1,
    })

    expect(figures.map(({ verdict }) => verdict)).toEqual(['too-few', 'too-few', 'too-few'])
    expect(figures[1]?.a).toBeNull()
    expect(sentence).toBe(
      'Over gossip, too little was measured to compare b with a: 3 and 40 blocks, and 5 of each with acknowledgements are needed.',
    )
  })

  test('of what lost messages with what did not says which loses more', () => {
    const lossy = alternating(100).map((one, index) =>
      index % 3 === 0 ? block([], 1) : { ...one, expected: 1 },
    )

    const { figures, sentence } = compare({
      a: [run('a', alternating(100))],
      b: [run('b', lossy)],
      seed: 1,
    })

    expect(figures[2]).toMatchObject({ figure: 'loss', verdict: 'different', a: 0, relative: null })
    expect(sentence).toMatch(/^Over gossip, b loses more: loss 0\.00 % → 34\.0 % \(\+34\.0 %, /)
  })

  test('of one transport with another compares them', () => {
    const { figures } = compare({
      a: [run('a', alternating(50))],
      b: [run('b', alternating(50), 'direct')],
      seed: 1,
    })

    expect(figures.map(({ transport }) => transport)).toEqual(['direct', 'direct', 'direct'])
  })

  test('of nothing says so', () => {
    const nothing = compare({ a: [{ id: 'a', transports: [] }], b: [run('b', [])], seed: 1 })

    expect(nothing).toMatchObject({
      units: [0, 0],
      figures: [],
      sentence: 'a and b have nothing to compare.',
    })
  })

  test('of loss nowhere cannot say what would have been seen', () => {
    const { figures } = compare({
      a: [run('a', alternating(50))],
      b: [run('b', alternating(50, 17))],
      seed: 1,
    })

    expect(figures[2]).toMatchObject({
      difference: 0,
      interval: [0, 0],
      p_value: 1,
      smallest_effect: null,
      verdict: 'not-shown',
    })
  })
})
