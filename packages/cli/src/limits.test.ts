import { expect, test } from '@jest/globals'
import { judgeLimits, parseLimit } from './limits.ts'

const figure = {
  transport: 'gossip' as const,
  figure: 'median' as const,
  unit: 'ms' as const,
  a: 10,
  b: 12,
  difference: 2,
  interval: [1, 3] as [number, number],
  relative: 0.2,
  p_value: 0.001,
  smallest_effect: 0.5,
  verdict: 'different' as const,
}

test.each([
  ['slower:10%', {}, 'passed'],
  ['slower:20%', {}, 'kept'],
  ['slower:10%', { relative: -0.2 }, 'kept'],
  ['slower:10%', { verdict: 'not-shown' as const }, 'kept'],
  ['slower:10%', { verdict: 'too-few' as const }, 'unknown'],
  ['slower:10%', { a: 0, relative: null }, 'unknown'],
  ['loss:0.1%', {}, 'unknown'],
  ['loss:0.1%', { figure: 'loss' as const, unit: 'share' as const, difference: 0.002 }, 'passed'],
])('%s with %j is %s', (limit, change, outcome) => {
  expect(judgeLimits([parseLimit(limit)], [{ ...figure, ...change }])).toMatchObject([{ outcome }])
})

test('a limit that could not have been seen to be passed says so', () => {
  const blind = { ...figure, verdict: 'not-shown' as const, smallest_effect: 3 }

  const [judged] = judgeLimits([parseLimit('slower:10%')], [blind])

  expect(judged?.text).toBe(
    'slower:10%: gossip median: kept; only 30.00 % or more would have been seen',
  )
})

test.each(['slower', 'slower:10', 'faster:1%', 'loss:-1%'])('%s is no limit', (text) => {
  expect(() => parseLimit(text)).toThrow('Give ')
})
