import { expect, test } from '@jest/globals'
import { createAxis } from './axis.ts'

test.each([
  ['linear', 0, 100, 350, [0, 20, 40, 60, 80, 100]],
  ['linear', 3, 3, 350, [3, 3.2, 3.4, 3.6, 3.8, 4]],
  ['linear', -0.4, 0.4, 350, [-0.4, -0.2, 0, 0.2, 0.4]],
  ['logarithmic', 1, 1000, 350, [1, 10, 100, 1000]],
  ['logarithmic', 10, 60, 350, [10, 20, 50]],
  ['logarithmic', 210, 280, 350, [220, 240, 260, 280]],
  ['logarithmic', 600, 600, 350, [500, 1000]],
] as const)(
  'a %s axis from %p to %p has ticks that can be read',
  (kind, low, high, width, ticks) => {
    expect(createAxis({ kind, low, high }, [0, width]).ticks).toEqual(ticks)
  },
)

test('the ends of the values are the ends of the frame, up or down', () => {
  const up = createAxis({ kind: 'linear', low: 2, high: 4 }, [200, 20])
  const along = createAxis({ kind: 'logarithmic', low: 1, high: 100 }, [50, 250])

  expect([up.at(2), up.at(4)]).toEqual([200, 20])
  expect([along.at(1), along.at(10), along.at(100), along.at(0)]).toEqual([50, 150, 250, 50])
})
