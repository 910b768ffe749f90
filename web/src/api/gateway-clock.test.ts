import { expect, test } from '@jest/globals'
import { correctedAheadMs } from './gateway-clock.ts'

const told = Date.parse('Thu, 15 Jan 2026 10:05:06 GMT')
const hour = 3_600_000

test.each([
  ['clocks that agree', 0, { sentAt: told + 400, receivedAt: told + 420 }, 0],
  ['a header of the second before', 0, { sentAt: told + 1900, receivedAt: told + 1950 }, 0],
  ['an answer after a night of sleep', 0, { sentAt: told + 500, receivedAt: told + 8 * hour }, 0],
  ['a browser an hour ahead', 0, { sentAt: told + hour, receivedAt: told + hour + 20 }, 490 - hour],
  ['a browser an hour behind', 0, { sentAt: told - hour, receivedAt: told - hour }, 500 + hour],
  [
    'what is known already',
    490 - hour,
    { sentAt: told + hour, receivedAt: told + hour },
    490 - hour,
  ],
  ['a clock that was set right', 500 + hour, { sentAt: told + 480, receivedAt: told + 500 }, 10],
])('%s', (_, believed, exchange, ahead) => {
  expect(correctedAheadMs(believed, told, exchange)).toBe(ahead)
})

test('an answer without a date tells nothing', () => {
  expect(correctedAheadMs(7, Number.NaN, { sentAt: 0, receivedAt: 0 })).toBe(7)
})
