import { expect, test } from '@jest/globals'
import { createClock, fromNtp64 } from './clock.ts'

function clockAt(startMs: number) {
  let wallMs = startMs
  const clock = createClock(0, () => wallMs)
  return { clock, turn: (toMs: number) => (wallMs = toMs) }
}

const timeAt = (ms: number): bigint => clockAt(ms).clock.now()

test('time goes on while the wall clock stands or is put back', () => {
  const { clock, turn } = clockAt(10_000)
  const first = clock.now()

  expect(clock.now()).toBe(first + 1n)
  turn(9_000)
  expect(clock.now()).toBe(first + 2n)
  turn(10_001)
  expect(fromNtp64(clock.now())).toBeCloseTo(10_001, 2)
})

test('the time of another agent is taken over up to 300 ms ahead', () => {
  const { clock } = clockAt(10_000)

  expect(clock.observe(timeAt(10_301))).toBe(false)
  expect(clock.now()).toBe(timeAt(10_000))
  expect(clock.observe(timeAt(10_300))).toBe(true)
  expect(clock.now()).toBe(timeAt(10_300) + 1n)
})

test('an offset makes it wrong, and its limit of others with it', () => {
  const { clock } = clockAt(10_000)
  clock.setOffset(-250)

  expect(fromNtp64(clock.now())).toBeCloseTo(9_750, 2)
  expect(clock.observe(timeAt(10_051))).toBe(false)
})
