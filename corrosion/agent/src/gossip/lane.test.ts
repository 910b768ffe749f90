import { describe, expect, test } from '@jest/globals'

import { type LinkSettings, unbentLink } from './lab.ts'
import { createLane } from './lane.ts'

function bentLane(start: Partial<LinkSettings>, draws: number[] = []) {
  let settings: LinkSettings = { ...unbentLink, ...start }
  let nowMs = 0
  let overflows = 0
  const lane = createLane({
    settings: () => settings,
    hasBandwidth: true,
    maxLossyBytes: 20,
    overflowed: () => void overflows++,
    left() {},
    nowMs: () => nowMs,
    random: () => draws.shift() ?? 0.999,
  })
  return {
    lane,
    overflows: () => overflows,
    put: (text: string, isReliable = false) => {
      lane.put({ payload: Buffer.from(text), isReliable })
    },
    bend: (change: Partial<LinkSettings>) => {
      settings = { ...settings, ...change }
      lane.rebend()
    },
    at: (ms: number): string[] => {
      nowMs = ms
      const taken: string[] = []
      for (let one = lane.take(); one; one = lane.take()) taken.push(String(one.payload))
      return taken
    },
  }
}

describe('a bent link', () => {
  test('a straight one gives everything at once', () => {
    const { put, at } = bentLane({})
    put('a')
    put('b')

    expect(at(0)).toEqual(['a', 'b'])
  })

  test('jitter adds to the delay and keeps the order', () => {
    const { lane, put, at } = bentLane({ delayMs: 100, jitterMs: 50 }, [0, 1, 0, 0])
    put('late')
    put('early')

    expect(lane.waitMs()).toBe(150)
    expect(at(149)).toEqual([])
    expect(at(150)).toEqual(['late', 'early'])
  })

  test('loss drops what may be lost, and delays what must arrive', () => {
    const { put, at } = bentLane({ delayMs: 10, loss: 0.5 }, [0.4, 0.4, 0.6, 0])
    put('push')
    put('sync', true)

    expect(at(39)).toEqual([])
    expect(at(40)).toEqual(['sync'])
  })

  test('bandwidth spaces frames by their length', () => {
    // 8 bits at 1 kbit/s take 8 ms.
    const { put, at } = bentLane({ bandwidthKbps: 1 })
    put('a')
    put('bb')

    expect(at(8)).toEqual(['a'])
    expect(at(23)).toEqual([])
    expect(at(24)).toEqual(['bb'])
  })

  test('a cut loses what is under way, and keeps what must arrive until it ends', () => {
    const { lane, put, bend, at } = bentLane({ delayMs: 10 })
    put('push')
    put('sync', true)
    bend({ isCut: true })
    put('another')

    expect(at(1000)).toEqual([])
    expect(lane.waitMs()).toBeUndefined()
    bend({ isCut: false })
    expect(at(1000)).toEqual(['sync'])
  })

  test('other settings count at once, also for what is under way', () => {
    const { put, bend, at } = bentLane({ delayMs: 1000, bandwidthKbps: 1 })
    put('a')
    bend({ delayMs: 0 })
    expect(at(7)).toEqual([])
    expect(at(8)).toEqual(['a'])

    put('b')
    bend({ bandwidthKbps: null })
    expect(at(8)).toEqual(['b'])
  })

  test('too much that may be lost pushes out the oldest of it', () => {
    const { overflows, put, at } = bentLane({ delayMs: 10 })
    put('first '.repeat(2))
    put('sync', true)
    put('second '.repeat(2))

    expect(overflows()).toBe(1)
    expect(at(10)).toEqual(['sync', 'second second '])
  })
})
