import { expect, test } from '@jest/globals'
import { deliveryInterval } from './measures.ts'

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
