import { expect, test } from '@jest/globals'
import { goneReason as discarded, findGaps } from './gaps.ts'

const deleted = 'deleted one by one'

test.each([
  [0, [1, 2, 3], 1, []],
  [5, [6, 7], 1, []],
  [0, [5, 6], 5, [{ first: 1, last: 4, reason: discarded }]],
  [3, [6, 7], 1, [{ first: 4, last: 5, reason: deleted }]],
  [
    3,
    [6, 7, 10],
    6,
    [
      { first: 4, last: 5, reason: discarded },
      { first: 8, last: 9, reason: deleted },
    ],
  ],
])(
  'behind %i, of %j of a stream that begins at %i, there is missing %j',
  (position, sequences, first, gaps) => {
    expect(findGaps(position, sequences, first)).toEqual(gaps)
  },
)
