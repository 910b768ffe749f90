import { seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { addComparison, fitDrift } from './clock-drift.ts'
import type { Comparison } from './compare-clocks.ts'

const second = 1e6

test('drift is found through noise that stays within the bounds, and the surer ones count more', () => {
  const random = seededRandom(11)
  const window = Array.from({ length: 100 }, (_, index) => {
    const boundUs = index % 5 === 0 ? 5000 : 150
    const noise = (random() - 0.5) * 2 * boundUs
    return comparison({ at: index * 10 * second, offsetUs: 42 * index * 10 + noise, boundUs })
  })

  expect(fitDrift(window)).toBeCloseTo(42, 0)
})

test('drift is not said before the bounds allow it', () => {
  const every = (seconds: number, count: number) =>
    Array.from({ length: count }, (_, index) => comparison({ at: index * seconds * second }))

  expect(fitDrift([])).toBeNull()
  expect(fitDrift(every(10, 1))).toBeNull()
  expect(fitDrift(every(10, 3))).toBeNull()
  expect(fitDrift(every(10, 4))).toBe(0)
})

test.each([
  ['further than drift and bounds explain', { at: 10 * second, offsetUs: 2400 }, 1],
  ['as far as drift and bounds explain', { at: 10 * second, offsetUs: 2200 }, 2],
  ['back, far', { at: 10 * second, offsetUs: -3_600_000_000 }, 1],
  ['nowhere, while this clock was set back', { at: -10 * second }, 1],
])('an offset that moved %s leaves a window of so many', (_, next, length) => {
  const window = [comparison({ at: 0 })]

  expect(addComparison(window, comparison(next))).toHaveLength(length)
})

test('a window forgets its oldest', () => {
  const window = Array.from({ length: 200 }, (_, index) => comparison({ at: index * second }))
  const kept = window.reduce<readonly Comparison[]>(addComparison, [])

  expect(kept).toHaveLength(180)
  expect(kept.at(-1)?.at).toBe(199 * second)
})

function comparison(change: Partial<Comparison>): Comparison {
  return { at: 0, offsetUs: 0, boundUs: 150, roundTripUs: 298, probes: 8, ...change }
}
