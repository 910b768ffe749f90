import { expect, test } from '@jest/globals'
import type { ObservedRow } from './follow-event.ts'
import { createMemoryShadow } from './shadow.ts'

const row = (name: string, changes: Partial<ObservedRow> = {}): ObservedRow => ({
  key: [name],
  keyText: name,
  version: 'v1',
  row: { pk: name },
  writes: [],
  via: 'updates',
  change: 'insert',
  seenAt: 0,
  ...changes,
})

test('live keys come in order, a page at a time', () => {
  const shadow = createMemoryShadow()
  shadow.apply(['d', 'b', 'a', 'c'].map((name) => row(name)))

  expect(shadow.liveKeys(undefined, 2)).toEqual(['a', 'b'])
  expect(shadow.liveKeys('b', 2)).toEqual(['c', 'd'])
  expect(shadow.liveKeys('bb', 2)).toEqual(['c', 'd'])
  expect(shadow.liveKeys('d', 2)).toEqual([])
})

test('a deleted row is forgotten', () => {
  const shadow = createMemoryShadow()
  shadow.apply([row('a'), row('b')])

  shadow.apply([row('a', { row: null, version: 'v2', change: 'delete' })])

  expect(shadow.versionOf('a')).toBeUndefined()
  expect(shadow.liveKeys(undefined, 10)).toEqual(['b'])
})
