import type { StreamHead, TailPosition } from '@corroport/bus'
import { streams } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { earliest, isWithin, placesOf, resume } from './resume.ts'

const old = '2026-01-15T10:00:00.5Z'
const anew = '2026-01-16T10:00:00Z'

/** All streams hold the records 11 to 20. */
const heads: StreamHead[] = streams.map(({ name }) => ({
  stream: name,
  incarnation: old,
  first: 11,
  last: 20,
}))

/** A place in RECORDS, and behind everything in the others. */
function at(sequence: number, incarnation = old): TailPosition {
  return { ...placesOf(heads, ({ last }) => last), RECORDS: { incarnation, sequence } }
}

test.each([
  ['behind the last', at(20), 20, undefined],
  ['within', at(15), 15, undefined],
  ['before the first', at(10), 10, undefined],
  ['where records are gone', at(7), 10, '3 records were discarded'],
  ['of another stream', at(15, anew), 10, 'the stream was created anew'],
  ['ahead of everything', at(21), 10, 'the stream was created anew'],
])('a place %s', (_, from, sequence, reason) => {
  const { position, gaps } = resume(from, heads)

  expect(position).toEqual(at(sequence))
  expect(gaps).toEqual(reason === undefined ? [] : [{ stream: 'RECORDS', reason }])
})

test('a stream that a place does not name is read from now on', () => {
  expect(resume({}, heads)).toEqual({ position: at(20), gaps: [] })
})

test.each([
  ['nobody', [], 20],
  ['those at the end', [at(20), at(20)], 20],
  ['the one that is furthest behind', [at(20), at(14), at(17)], 14],
  ['one that is too far behind', [at(20), at(11)], 12],
])('where all are served from: %s', (_, positions, sequence) => {
  const start = earliest(positions, heads, 8)

  expect(start).toEqual(at(sequence))
  expect(positions.map((position) => isWithin(position, start))).toEqual(
    positions.map(({ RECORDS }) => (RECORDS?.sequence ?? 0) >= sequence),
  )
})
