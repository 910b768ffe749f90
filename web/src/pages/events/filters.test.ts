import { expect, test } from '@jest/globals'
import {
  asNatsCommand,
  asTapCommand,
  everyRecord,
  filterProblem,
  hasTopic,
  toggleTopic,
} from './filters.ts'

test.each([
  [''],
  ['corro.>'],
  ['corro.ack.*.node1, corro.hint.node.*'],
  ['>'],
  ['corro.ack.>,'],
  ['*.ack.>'],
])('%j is a list of filters', (list) => {
  expect(filterProblem(list)).toBeUndefined()
})

test.each([
  ['corro', 'corro.'],
  ['corro.>.x', 'is no filter'],
  ['corro..x', 'is no filter'],
  ['corro.a b', 'is no filter'],
  ['other.>', 'begins with corro.'],
  [Array.from({ length: 51 }, (_, index) => `corro.a.${index}`).join(), '50 filters'],
])('of %j is said what is wrong', (list, reason) => {
  expect(filterProblem(list)).toContain(reason)
})

test('a topic is put in and taken out as a whole', () => {
  const filters = toggleTopic(['corro.ack.>', 'corro.x.>'], 'messages')

  expect(hasTopic(filters, 'messages')).toBe(true)
  expect(toggleTopic(filters, 'messages')).toEqual(['corro.x.>'])
})

test('the same is tapped in a terminal', () => {
  expect(asNatsCommand(['corro.ack.>', 'corro.x'])).toBe("nats sub 'corro.ack.>' corro.x")
  expect(asTapCommand(['corro.ack.*.node1', 'corro.x.>'])).toBe(
    "npx corroport tap 'corro.ack.*.node1'\nnpx corroport tap 'corro.x.>'",
  )
  expect(asTapCommand(everyRecord)).toBe('npx corroport tap --records-only')
  expect(asTapCommand([...everyRecord, 'corro.hint.>'])).toContain("tap 'corro.hint.>'")
})
