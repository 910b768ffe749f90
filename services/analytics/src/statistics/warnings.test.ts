import { expect, test } from '@jest/globals'
import { nothingMeasured, type Spread } from './distribution.ts'
import { findWarnings } from './warnings.ts'

function warningsOf(senderDelay: Spread): string[] {
  const roundTrip: Spread = [1000, 2e7, [9000, 20_000, 30_000, 40_000, 50_000]]
  return findWarnings({
    all: { ...nothingMeasured, acks: 1000, round_trip: roundTrip },
    senderDelay,
    skipped: 0,
    unsettled: 0,
    unstored: 0,
    clocks: undefined,
    hidden: 0,
  })
}

test('a stall of the sender is told, though its few messages are in no percentile', () => {
  expect(warningsOf([1000, 4e6, [100, 900, 1200, 1900, 499_000]])).toEqual([
    'The sender stalled: a message left 499 ms late.',
  ])
  expect(warningsOf([1000, 4e6, [100, 900, 1200, 1900, 60_000]])).toEqual([])
})

test('a sender that is late more often is behind', () => {
  expect(warningsOf([1000, 4e6, [100, 900, 1200, 2100, 499_000]])).toEqual([
    'The sender fell behind: 99 of 100 messages left up to 2.1 ms late, more than a tenth of the median round trip of 20 ms.',
  ])
})

test('of fewer than a hundred the latest one is told', () => {
  expect(warningsOf([20, 4e4, [100, 900, 2100, 2100, 2100]])).toEqual([
    'The sender fell behind: messages left up to 2.1 ms late, more than a tenth of the median round trip of 20 ms.',
  ])
})
