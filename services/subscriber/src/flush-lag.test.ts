import { expect, test } from '@jest/globals'
import { createFlushLag } from './flush-lag.ts'

const second = (milliseconds: number) => ({
  keyText: '["a"]',
  version: 'v',
  updatesSeenAt: 1_000_000,
  subscriptionSeenAt: 1_000_000 + milliseconds * 1000,
})

test('percentiles are nearest rank over what came since the last look', () => {
  const lag = createFlushLag()
  lag.add([40, 10, 30, 20].map(second))

  expect(lag.take()).toEqual({ count: 4, p50: 20, p95: 40 })
  expect(lag.take()).toBeNull()
})
