import { seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { findAlarms, type KnownClock } from './clock-alarm.ts'

test('what the bounds leave open is no alarm', () => {
  expect([...findAlarms([clock('a', 0), clock('b', 300_800, 400)]).keys()]).toEqual([])
  expect([...findAlarms([clock('a', 0), clock('b', 301_200, 400)]).keys()]).toEqual(['a', 'b'])
})

test('each is told the one that it is furthest from', () => {
  const alarms = findAlarms([clock('a', -200_000), clock('b', 0), clock('c', 250_000)])

  expect(Object.fromEntries(alarms)).toEqual({
    a: { otherNodeId: 'c', apartMs: 449.2 },
    c: { otherNodeId: 'a', apartMs: 449.2 },
  })
})

test('no clock and one clock are no alarm', () => {
  expect(findAlarms([]).size).toBe(0)
  expect(findAlarms([clock('a', 5_000_000)]).size).toBe(0)
})

test('it is the same as comparing every two', () => {
  const random = seededRandom(3)
  for (let run = 0; run < 500; run += 1) {
    const clocks = Array.from({ length: 6 }, (_, index) =>
      clock(`n${index}`, (random() - 0.5) * 1e6, random() * 2e5),
    )
    const expected = clocks.filter((one) =>
      clocks.some(
        (other) =>
          other !== one &&
          Math.abs(one.offsetUs - other.offsetUs) - one.boundUs - other.boundUs > 300_000,
      ),
    )

    expect([...findAlarms(clocks).keys()]).toEqual(expected.map(({ nodeId }) => nodeId))
  }
})

function clock(nodeId: string, offsetUs: number, boundUs = 400): KnownClock {
  return { nodeId, offsetUs, boundUs }
}
