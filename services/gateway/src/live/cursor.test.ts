import { expect, test } from '@jest/globals'
import { decodeCursor, encodeCursor } from './cursor.ts'

test.each([
  '2026-01-15T10:00:00.123456789Z',
  '2026-01-15T10:00:00.1Z',
  '2026-01-15T10:00:00.000000001Z',
  '2026-01-15T10:00:00Z',
])('a place in a stream that was created at %s is found again', (incarnation) => {
  const position = {
    CHANGES: { incarnation, sequence: 0 },
    RECORDS: { incarnation: '2026-11-21T10:54:46.5Z', sequence: 9_007_199_254_740_991 },
  }

  expect(decodeCursor(encodeCursor(position))).toEqual(position)
})

test.each([
  '',
  'RECORDS',
  'RECORDS.1.2',
  'records.1.2.3',
  'NOTHING.1.2.3',
  'RECORDS.1.zzzzzz.3',
  'RECORDS.zzzzzzzzz.2.3',
  'RECORDS.1.2.zzzzzzzzzzz',
  'RECORDS.1.2.3~',
  'RECORDS.1.2.3\n',
])('%j is no cursor', (cursor) => {
  expect(decodeCursor(cursor)).toBeUndefined()
})
