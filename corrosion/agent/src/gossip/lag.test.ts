import { expect, test } from '@jest/globals'

import { createLagHistogram } from './lag.ts'

test('a quantile is interpolated in its bucket, as Corrosion does', () => {
  const lag = createLagHistogram(() => 0)
  for (let count = 0; count < 100; count++) lag.observe(0.004)
  expect(lag.quantile(0.99)).toBe(0.005)

  for (let count = 0; count < 100; count++) lag.observe(0.02)
  expect(lag.quantile(0.75)).toBeCloseTo(0.0175)

  for (let count = 0; count < 1000; count++) lag.observe(60)
  expect(lag.quantile(0.99)).toBe(10)
})

test('what is two minutes old is forgotten', () => {
  let nowMs = 0
  const lag = createLagHistogram(() => nowMs)
  expect(lag.quantile(0.99)).toBeUndefined()
  lag.observe(1)

  nowMs = 119_000
  expect(lag.quantile(0.99)).toBe(0.995)
  nowMs = 121_000
  expect(lag.quantile(0.99)).toBeUndefined()
})
