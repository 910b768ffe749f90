import { expect, test } from '@jest/globals'
import { replicasOn } from './migrate-streams.ts'

test.each([
  [1, undefined, 1],
  [2, undefined, 1],
  [3, undefined, 3],
  [5, 3, 3],
  [5, 5, 5],
] as const)('on %i servers, with %s wanted, a stream has %i copies', (servers, wanted, copies) => {
  expect(replicasOn(servers, wanted)).toBe(copies)
})

test('more copies than servers are refused', () => {
  expect(() => replicasOn(1, 3)).toThrow('REPLICATION_FACTOR is 3, but NATS has 1 server')
})
