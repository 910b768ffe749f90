import { expect, test } from '@jest/globals'
import { createSampler } from './sampler.ts'

/** Which of so many pass. */
function pass(sampler: ReturnType<typeof createSampler>, count: number): number[] {
  return Array.from({ length: count }, (_, index) => index).filter(() => sampler.admits())
}

test('what is no more than the rate passes, also in one burst', () => {
  const sampler = createSampler(10)

  for (const count of [10, 3, 0, 10]) {
    expect(pass(sampler, count)).toHaveLength(count)
    expect(sampler.turn()).toBe(0)
  }
})

test('from the second on those that pass lie evenly among all', () => {
  const sampler = createSampler(10)

  expect(pass(sampler, 100)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(sampler.turn()).toBe(90)
  expect(pass(sampler, 100)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90])
  expect(sampler.turn()).toBe(90)
})

test('a stream that grows is cut at the rate, one that shrinks is whole a second later', () => {
  const sampler = createSampler(10)
  pass(sampler, 20)
  sampler.turn()

  expect(pass(sampler, 40)).toHaveLength(10)
  expect(sampler.turn()).toBe(30)
  expect(pass(sampler, 8)).toHaveLength(2)
  expect(sampler.turn()).toBe(6)
  expect(pass(sampler, 8)).toHaveLength(8)
  expect(sampler.turn()).toBe(0)
})
