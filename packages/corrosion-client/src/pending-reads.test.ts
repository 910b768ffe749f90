import { expect, test } from '@jest/globals'
import { createPendingReads } from './pending-reads.ts'

const keysOf = (batch: { sightings: { keyText: string }[] } | undefined) =>
  batch?.sightings.map(({ keyText }) => keyText)

test('a key that both feeds name is read once', () => {
  const pending = createPendingReads()
  pending.addUpdate(['a'], 1)
  pending.addChange(['a'], 2, 1)
  pending.addUpdate(['a'], 3)

  const batch = pending.take('updates', 10)

  expect(batch?.sightings).toEqual([
    { key: ['a'], keyText: '["a"]', updatesSeenAt: 1, subscriptionSeenAt: 2 },
  ])
  expect(pending.take('others', 10)).toBeUndefined()
})

test('a key that is being read is read again afterwards, not meanwhile', () => {
  const pending = createPendingReads()
  pending.addUpdate(['a'], 1)
  const first = pending.take('updates', 10)
  if (first === undefined) throw new Error('nothing to read')

  pending.addUpdate(['a'], 2)
  pending.addUpdate(['b'], 2)

  expect(keysOf(pending.take('updates', 10))).toEqual(['["b"]'])
  pending.release(first)
  expect(keysOf(pending.take('updates', 10))).toEqual(['["a"]'])
})

test('the cursor stays below the first change that is not done', () => {
  const pending = createPendingReads()
  pending.addChange(['a'], 1, 1)
  pending.addChange(['b'], 1, 2)
  const first = pending.take('others', 1)
  if (first === undefined) throw new Error('nothing to read')
  pending.addChange(['a'], 2, 3)

  expect(pending.doneUpTo(3)).toBe(0)
  expect(pending.doneUpTo(3, first)).toBe(1)
  pending.release(first)
  const rest = pending.take('others', 10)
  expect(keysOf(rest)).toEqual(['["b"]', '["a"]'])
  expect(pending.doneUpTo(3)).toBe(1)
  expect(pending.doneUpTo(3, rest)).toBe(3)
})

test('a read for the updates feed answers the change of the subscription too', () => {
  const pending = createPendingReads()
  pending.addChange(['a'], 1, 7)
  pending.addUpdate(['a'], 1)

  const batch = pending.take('updates', 10)

  expect(pending.doneUpTo(7)).toBe(6)
  expect(pending.doneUpTo(7, batch)).toBe(7)
})

test('there is no cursor while a catch-up is under way', () => {
  const pending = createPendingReads()
  pending.addCatchUp(['a'], 1)

  expect(pending.doneUpTo(5)).toBeUndefined()
  const batch = pending.take('others', 10)
  expect(pending.doneUpTo(5)).toBeUndefined()
  expect(pending.doneUpTo(5, batch)).toBe(5)
})

test('changes of a former subscription are still read, without holding up the new one', () => {
  const pending = createPendingReads()
  pending.addChange(['a'], 1, 900)
  const reading = pending.take('others', 10)
  if (reading === undefined) throw new Error('nothing to read')
  pending.addChange(['b'], 1, 901)

  pending.forgetChangeIds()

  const rest = pending.take('others', 10)
  expect(keysOf(rest)).toEqual(['["b"]'])
  if (rest !== undefined) pending.release(rest)
  pending.release(reading)
  expect(pending.doneUpTo(2)).toBe(2)
})
