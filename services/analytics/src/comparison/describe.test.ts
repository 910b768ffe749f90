import { expect, test } from '@jest/globals'
import { createBlock, createRun } from '../../test/blocks.ts'
import { compare, type Run } from './compare.ts'
import { describeComparison } from './describe.ts'
import type { Block } from './units.ts'

const differently = (count: number, offset = 0): Block[] =>
  Array.from({ length: count }, (_, index) =>
    createBlock([4000 + ((index * 37 + offset) % 41) * 10]),
  )
const slower = (blocks: Block[]): Block[] =>
  blocks.map((block) => ({ ...block, uppers: block.uppers.map((upper) => 2 * upper) }))
const losing = (blocks: Block[]): Block[] =>
  blocks.map((block, index) => (index % 3 === 0 ? createBlock([], 1) : block))
const losingAll = (count: number): Block[] => Array(count).fill(createBlock([], 1))

function hold(a: Run | Run[], b: Run | Run[], differing: string[] = []) {
  return compare({ a: [a].flat(), b: [b].flat(), differing, seed: 1, resamples: 2000 })
}

test('of too few blocks it says that it is too little', () => {
  const { figures, sentence } = hold(
    createRun('a', differently(3)),
    createRun('b', differently(100)),
  )

  expect(figures.map(({ verdict }) => verdict)).toEqual(['too-few', 'too-few', 'too-few'])
  expect(figures[1]?.a).toBeNull()
  expect(sentence).toBe(
    'Over gossip, too little was measured to compare b with a: 3 and 40 blocks, and 5 of each with acknowledgements are needed.',
  )
})

test('equal medians and different loss: it says which loses more, and what could not be shown', () => {
  const { figures, sentence } = hold(
    createRun('a', differently(100)),
    createRun('b', losing(differently(100))),
  )

  expect(figures[2]).toMatchObject({ figure: 'loss', verdict: 'different', a: 0, relative: null })
  expect(sentence).toMatch(
    /^Over gossip, b loses more: loss 0\.00 % → 34\.0 % \(\+34\.0 %, .* blocks; no difference of median and p95 could be shown\.$/,
  )
})

test('of what is slower and loses less it says both', () => {
  const { sentence } = hold(
    createRun('a', losing(differently(100))),
    createRun('b', slower(differently(100))),
  )

  expect(sentence).toMatch(
    /^Over gossip, b is slower: median 4\.\d\d ms → 8\.\d\d ms .*; it has slower stragglers: .*; it loses less: .*; compared with a in 40 and 40 blocks\.$/,
  )
})

test('without a difference it says of each figure how large one would have been seen', () => {
  const { figures, sentence } = hold(
    createRun('a', differently(50)),
    createRun('b', differently(50, 17)),
  )

  expect(figures[2]).toMatchObject({
    difference: 0,
    interval: [0, 0],
    p_value: 1,
    smallest_effect: null,
    verdict: 'not-shown',
  })
  expect(sentence).toMatch(
    /^Over gossip, no difference of median, p95 and loss between a and b could be shown: median .*, in 40 and 40 blocks; \S+ ms of median and \S+ ms of p95 or more would have been seen in 80 of 100 such comparisons\.$/,
  )
})

test('where everything was lost, only the loss is compared', () => {
  const { sentence } = hold(createRun('a', losingAll(40)), createRun('b', losingAll(40)))

  expect(sentence).toBe(
    'Over gossip, no difference of loss between a and b could be shown: loss 100 % → 100 % (0.00 %, 0 %, 95 % interval 0.00 % to 0.00 %), in 40 and 40 blocks; of median and p95 too little was measured.',
  )
})

test('what else differs is part of what may be concluded', () => {
  const differing = ['sizes of the payload', 'intervals', 'versions']

  const { sentence } = hold(
    createRun('a', differently(50)),
    createRun('b', slower(differently(50))),
    differing,
  )

  expect(sentence).toMatch(
    /\. But their sizes of the payload, intervals and versions differ too\.$/,
  )
})

test('of one transport with another it names both', () => {
  const { figures, sentence } = hold(
    createRun('a', differently(50)),
    createRun('b', slower(differently(50)), 'direct'),
  )

  expect(figures.map(({ transport }) => transport)).toEqual(['direct', 'direct', 'direct'])
  expect(sentence).toMatch(/^Over gossip and direct, b is slower: /)
})

test('halves of one that differ are no proof of anything', () => {
  const both = createRun('a', differently(40))
  const comparison = compare({ a: [both], b: [both], differing: [], seed: 1 })
  const figures = comparison.figures.map((figure) => ({ ...figure, verdict: 'different' as const }))

  const sentence = describeComparison({
    ...comparison,
    differing: [],
    compared: [{ transport: 'gossip', transportOfA: 'gossip', sizes: [20, 20], figures }],
  })

  expect(sentence).toMatch(/^Over gossip, the other half is .*; compared with one half of a in /)
  expect(sentence).toContain('chance finds a difference in up to 5 of 100 such checks')
})

test('of nothing it says so', () => {
  expect(hold({ id: 'a', transports: [] }, createRun('b', []))).toMatchObject({
    units: [0, 0],
    figures: [],
    sentence: 'a and b have nothing to compare.',
  })
})
