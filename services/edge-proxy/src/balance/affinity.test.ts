import { expect, test } from '@jest/globals'
import { createAffinity, openAffinity } from './affinity.ts'
import { addressWords, readAddress } from './client-address.ts'

function client(text: string): Int32Array {
  const words = new Int32Array(addressWords)
  readAddress(text, words)
  return words
}

function setUp(entries = 64) {
  const epochs = new Map<number, number>()
  const options = { ttlSeconds: 600, epochOf: (slot: number) => epochs.get(slot) ?? 0, seed: 7 }
  const buffer = createAffinity(entries)
  return { affinity: openAffinity(buffer, options), other: openAffinity(buffer, options), epochs }
}

test('a client is given the same backend again, in every thread', () => {
  const { affinity, other } = setUp()
  affinity.keep(1, client('203.0.113.7'), 0, 100)

  expect(other.find(1, client('203.0.113.7'), 200)).toBe(0)
  expect(other.find(1, client('203.0.113.8'), 200)).toBe(-1)
})

test('each app has a backend of its own for a client', () => {
  const { affinity } = setUp()
  affinity.keep(1, client('203.0.113.7'), 10, 100)
  affinity.keep(2, client('203.0.113.7'), 20, 100)

  expect(affinity.find(1, client('203.0.113.7'), 100)).toBe(10)
  expect(affinity.find(2, client('203.0.113.7'), 100)).toBe(20)
})

test('it is over when the client was not seen for longer than its time, and each look prolongs it', () => {
  const { affinity } = setUp()
  affinity.keep(1, client('::1'), 3, 0)

  expect(affinity.find(1, client('::1'), 600)).toBe(3)
  expect(affinity.find(1, client('::1'), 1200)).toBe(3)
  expect(affinity.find(1, client('::1'), 1801)).toBe(-1)
})

test('who only looks what a client has prolongs nothing', () => {
  const { affinity } = setUp()
  affinity.keep(1, client('::1'), 3, 0)

  expect(affinity.peek(1, client('::1'), 600)).toBe(3)
  expect(affinity.find(1, client('::1'), 601)).toBe(-1)
})

test('a backend that has the slot of an earlier one does not inherit its clients', () => {
  const { affinity, epochs } = setUp()
  affinity.keep(1, client('::1'), 3, 0)

  epochs.set(3, 1)

  expect(affinity.find(1, client('::1'), 0)).toBe(-1)
  expect(affinity.count(0)).toBe(0)
})

test('what is kept anew replaces what was kept, and what is forgotten is gone', () => {
  const { affinity } = setUp()
  affinity.keep(1, client('::1'), 3, 0)
  affinity.keep(1, client('::1'), 4, 0)
  expect(affinity.find(1, client('::1'), 0)).toBe(4)
  expect(affinity.count(0)).toBe(1)

  affinity.forget(1, client('::1'))

  expect(affinity.find(1, client('::1'), 0)).toBe(-1)
})

test('when it is full, who was not seen for longest makes room', () => {
  const { affinity } = setUp(8)
  for (let last = 0; last < 8; last += 1) affinity.keep(1, client(`10.0.0.${last}`), last, last)
  affinity.find(1, client('10.0.0.0'), 8)

  affinity.keep(1, client('10.0.0.8'), 8, 9)

  expect(affinity.count(9)).toBe(8)
  expect(affinity.find(1, client('10.0.0.0'), 9)).toBe(0)
  expect(affinity.find(1, client('10.0.0.1'), 9)).toBe(-1)
  expect(affinity.find(1, client('10.0.0.8'), 9)).toBe(8)
})
