import { expect, test } from '@jest/globals'
import { alarmsOf, type Sample } from './clock-alarms.ts'

const at = (second: number, nodeId: string, offsetMs: number, boundMs = 1): Sample => ({
  nodeId,
  at: second * 1000,
  offsetMs,
  boundMs,
})

test.each([
  ['near clocks', [at(0, 'a', 0), at(0, 'b', 299)]],
  ['clocks that the bounds may bring together', [at(0, 'a', 0, 100), at(0, 'b', 450, 100)]],
  ['clocks that were not looked at together', [at(0, 'a', 0), at(60, 'b', 900)]],
  ['one clock', [at(0, 'a', 5000), at(10, 'a', 5000)]],
])('%s are no alarm', (_, samples) => {
  expect(alarmsOf(samples, 60_000)).toEqual([])
})

test('an alarm lasts until the clocks are near again, with the most that they were apart', () => {
  const samples = [
    at(10, 'a', 0),
    at(10, 'b', 400),
    at(20, 'a', 0),
    at(20, 'b', 700),
    at(30, 'a', 0),
    at(30, 'b', 10),
  ]

  expect(alarmsOf(samples, 30_000)).toEqual([
    { ahead: 'b', behind: 'a', from: 10_000, to: 30_000, apartMs: 698, isOver: true },
  ])
})

test('an alarm that goes on is open, and one whose clock fell silent is over', () => {
  const samples = [at(0, 'a', 0), at(0, 'b', -500), at(100, 'a', 0), at(100, 'c', 400)]

  expect(alarmsOf(samples, 110_000)).toMatchObject([
    { ahead: 'c', behind: 'a', from: 100_000, isOver: false },
    { ahead: 'a', behind: 'b', from: 0, to: 0, isOver: true },
  ])
})

test('an alarm after which no clock was looked at any more goes on for as long as a sample holds', () => {
  const samples = [at(0, 'a', 0), at(0, 'b', 900)]

  expect(alarmsOf(samples, 30_000)).toMatchObject([{ isOver: false }])
  expect(alarmsOf(samples, 31_000)).toMatchObject([{ isOver: true }])
})
