import type { ShareOrder } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { contentOf, dueMs, roundsOf, slotOf, transportOf } from './sequence.ts'

function order(change: Partial<ShareOrder> = {}): ShareOrder {
  return {
    experimentId: 'e1',
    transports: ['gossip', 'direct'],
    slots: 400,
    origin: 0,
    origins: 1,
    intervalMs: 10,
    payloadBytes: 64,
    warmupSlots: 0,
    seed: 7,
    startsInMs: 0,
    ...change,
  }
}

const rounds = (count: number) => Array.from({ length: count }, (_, round) => round)

test.each([
  [0, 3, 10, [0, 3, 6, 9]],
  [1, 3, 10, [1, 4, 7]],
  [2, 3, 10, [2, 5, 8]],
  [2, 3, 2, []],
  [0, 1, 0, []],
])('origin %i of %i sends its own of %i slots', (origin, origins, slots, own) => {
  const share = order({ origin, origins, slots })

  expect(rounds(roundsOf(share)).map((round) => slotOf(share, round))).toEqual(own)
  expect(rounds(roundsOf(share)).map((round) => dueMs(share, round))).toEqual(
    own.map((slot) => slot * 10),
  )
})

test('every block of four rounds is ABBA or BAAB, and the seed decides about each', () => {
  const letters = rounds(400).map((round) => transportOf(order(), round).slice(0, 1))
  const blocks = letters.join('').match(/.{4}/g) ?? []

  expect(new Set(blocks)).toEqual(new Set(['gddg', 'dggd']))
  const mirrored = blocks.filter((block) => block === 'dggd').length
  expect(mirrored).toBeGreaterThan(30)
  expect(mirrored).toBeLessThan(70)
  expect(rounds(400).map((round) => transportOf(order(), round).slice(0, 1))).toEqual(letters)
  const other = rounds(400).map((round) => transportOf(order({ seed: 8 }), round).slice(0, 1))
  expect(other).not.toEqual(letters)
})

test('one transport has every round', () => {
  const share = order({ transports: ['direct'] })

  expect(new Set(rounds(9).map((round) => transportOf(share, round)))).toEqual(new Set(['direct']))
})

test.each([1, 5, 64, 65_536])('content has exactly %i bytes', (payloadBytes) => {
  const share = order({ payloadBytes })

  const content = contentOf(share, 12)

  expect(Buffer.byteLength(content)).toBe(payloadBytes)
  expect('e1/12 '.startsWith(content.slice(0, 6))).toBe(true)
  expect(contentOf(share, 12)).toBe(content)
})

test('contents of different slots and seeds differ', () => {
  const rest = (share: ShareOrder, slot: number) => contentOf(share, slot).split(' ')[1]

  const all = [rest(order(), 1), rest(order(), 2), rest(order({ seed: 8 }), 1)]

  expect(new Set(all).size).toBe(3)
})
