import { nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { compare, compareClocks } from './compare-clocks.ts'

const { signal } = new AbortController()

test('equal ways there and back give the offset exactly', () => {
  const times = { askedAt: 0, heardAt: 5_000_400, answeredAt: 5_000_500, returnedAt: 900 }

  expect(compare(times)).toEqual({
    at: 450,
    offsetUs: 5_000_000,
    roundTripUs: 800,
    boundUs: 401,
  })
})

test('however unequal the ways are, the true offset lies within the bound', () => {
  const random = seededRandom(7)
  for (let run = 0; run < 10_000; run += 1) {
    const trueOffset = (random() - 0.5) * 2e7
    const [there, thought, back] = [random() * 1e5, random() * 1e4, random() * 1e5]
    const heardAt = Math.floor(there + trueOffset)
    const answeredAt = Math.floor(there + thought + trueOffset)

    const { offsetUs, boundUs } = compare({
      askedAt: 0,
      heardAt,
      answeredAt,
      returnedAt: there + thought + back,
    })

    expect(Math.abs(offsetUs - trueOffset)).toBeLessThanOrEqual(boundUs)
  }
})

test('answers that came before a failure stand', async () => {
  let asked = 0
  const comparison = await compareClocks(async () => {
    asked += 1
    if (asked === 3) throw new Error('away')
    return answerOf(1000)
  }, signal)

  expect(comparison.probes).toBe(2)
  expect(Math.abs(comparison.offsetUs - 1_000_000)).toBeLessThanOrEqual(comparison.boundUs)
})

test('a node that never answers throws its reason', async () => {
  const away = () => Promise.reject(new Error('nobody answers'))

  await expect(compareClocks(away, signal)).rejects.toThrow('nobody answers')
})

test('a clock that is set between its two times is no comparison', async () => {
  const setForward = async () => ({ ...answerOf(0), answeredAt: answerOf(60_000).heardAt })

  await expect(compareClocks(setForward, signal)).rejects.toThrow('was set while it was read')
})

function answerOf(offsetMs: number) {
  const now = toTimestamp(nowMicroseconds() + offsetMs * 1000)
  return { heardAt: now, answeredAt: now }
}
