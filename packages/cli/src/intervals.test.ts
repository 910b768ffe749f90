import { expect, test } from '@jest/globals'
import { deliveryInterval, medianInterval } from './intervals.ts'

const none = { min_ms: null, mean_ms: null, p50_ms: null, p95_ms: null, p99_ms: null, max_ms: null }
/** Messages with one acknowledgement each, of 0.5, 1.5, 2.5 … ms, in buckets of 1 ms. */
const of = (n: number) => ({
  first_ack: { ...none, n },
  round_trip: { ...none, n, min_ms: 0.5, max_ms: n - 0.5 },
  histogram: {
    linear: [],
    logarithmic: Array.from({ length: n }, (_, from) => ({
      from_ms: from,
      to_ms: from + 1,
      count: 1,
    })),
  },
})

// The ranks are those of the normal approximation: n/2 ± 0.98 √n.
test.each([
  [5, undefined],
  [6, [0.5, 5.5]],
  [100, [40, 60]],
  [10_000, [4902, 5098]],
])('the interval of the median of %i messages', (n, interval) => {
  expect(medianInterval(of(n))).toEqual(interval)
})

test.each([
  [0, 0, undefined],
  [100, 0, [0.963, 1]],
  [100, 100, [0, 0.037]],
  [380, 2, [0.981, 0.9986]],
])('the interval of the delivery rate of %i with %i lost', (expected_acks, lost, interval) => {
  const given = deliveryInterval({ expected_acks, lost })

  expect(given?.length).toBe(interval?.length)
  for (const [index, value] of (interval ?? []).entries()) {
    expect(given?.[index]).toBeCloseTo(value, 3)
  }
})
