import { expect, test } from '@jest/globals'
import { percentsOf } from './difference-percents.ts'

test.each([
  [
    { a: 10, difference: 2, interval: [1, 3] as [number, number] },
    { low: 10, middle: 20, high: 30 },
  ],
  [{ a: 0, difference: 0.1, interval: [0, 0.2] as [number, number] }, undefined],
  [{ a: null, difference: null, interval: null }, undefined],
  [{ a: 5, difference: 1, interval: null }, undefined],
])('%j in percent of A is %j', (figure, percents) => {
  expect(percentsOf(figure)).toEqual(percents)
})
