import type { StreamHead } from '@corroport/bus'
import { expect, test } from '@jest/globals'
import { areStillThere } from './ingest-position.ts'

const head = (change: Partial<StreamHead> = {}): StreamHead => ({
  stream: 'RECORDS',
  incarnation: '2026-01-15T10:00:00.000000001Z',
  first: 3,
  last: 9,
  ...change,
})

test.each<[string, StreamHead[], boolean]>([
  ['is as it was', [head()], true],
  ['has more records, or fewer old ones', [head({ first: 8, last: 12 })], true],
  ['is gone', [head({ stream: 'SAMPLES' })], false],
  ['was made anew', [head({ incarnation: '2026-01-15T11:00:00Z', last: 20 })], false],
  ['ends earlier than before', [head({ last: 8 })], false],
])(
  'of a stream that %s it is known whether what it held can be waited for',
  (_, present, still) => {
    expect(areStillThere([head()], present)).toBe(still)
  },
)
