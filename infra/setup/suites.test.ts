import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { suitesUsing } from './suites.mjs'

const root = join(import.meta.dirname, '../..')

test('a suite is known by the parts that it starts, also through its harness', () => {
  const withCorrosion = suitesUsing(['corrosion'], root)
  const withNats = suitesUsing(['nats'], root)

  expect(withCorrosion).toContain('test/end-to-end.test.ts')
  expect(withCorrosion).toContain('packages/corrosion-client/test/follow.test.ts')
  expect(withCorrosion).not.toContain('packages/bus/test/outbox.test.ts')
  expect(withNats).toContain('services/ack-sender/test/delivery.test.ts')
  expect(withNats).not.toContain('packages/corrosion-client/test/follow.test.ts')
  expect(suitesUsing([], root)).toEqual([])
})
