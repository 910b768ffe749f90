import { expect, test } from '@jest/globals'
import { commonFilter, withoutCovered } from './filters.ts'

test.each([
  ['corro.>', 'corro.change.>', 'corro.change.>'],
  ['corro.change.>', 'corro.>', 'corro.change.>'],
  ['corro.*.sent.*', 'corro.ack.>', 'corro.ack.sent.*'],
  ['corro.*.sent.node1', 'corro.ack.*.*', 'corro.ack.sent.node1'],
  ['corro.ack.sent.node1', 'corro.ack.>', 'corro.ack.sent.node1'],
  ['>', 'corro.ack.>', 'corro.ack.>'],
  ['corro.ack', 'corro.ack.>', undefined],
  ['corro.ack.>', 'corro.change.>', undefined],
  ['corro.*', 'corro.ack.sent', undefined],
])('%s and %s have %s in common', (one, other, common) => {
  expect(commonFilter(one, other)).toBe(common)
})

test('a filter that another one covers is left out, one that only touches another stays', () => {
  expect(
    withoutCovered(['corro.ack.>', 'corro.ack.sent.*', 'corro.ack.>', 'corro.*.sent.node1']),
  ).toEqual(['corro.ack.>', 'corro.*.sent.node1'])
})
