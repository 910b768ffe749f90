import { matches } from '@corroport/contracts'
import { expect, test } from '@jest/globals'

test.each([
  ['corro.ack.sent.*', 'corro.ack.sent.node1', true],
  ['corro.ack.sent.*', 'corro.ack.failed.node1', false],
  ['corro.ack.sent.*', 'corro.ack.sent', false],
  ['corro.ack.sent.*', 'corro.ack.sent.node1.x', false],
  ['corro.ack.>', 'corro.ack.sent', true],
  ['corro.ack.>', 'corro.ack.sent.node1', true],
  ['corro.ack.>', 'corro.ack', false],
  ['corro.ack.>', 'corro.message.sent.node1', false],
  ['>', 'corro', true],
])('whether %s takes %s: %j', (filter, subject, isTaken) => {
  expect(matches(filter, subject)).toBe(isTaken)
})
