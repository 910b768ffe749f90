import { expect, test } from '@jest/globals'
import { cellsOf, heatOf, levelOf } from './heat.ts'

const sinceMs = Date.parse('2026-01-15T10:00:00Z')
const range = { sinceMs, untilMs: sinceMs + 30_000 }
const at = (second: number) => new Date(sinceMs + second * 1000).toISOString()

test('sights are counted by node and part; a node without any has a row too', () => {
  const heat = heatOf(
    [
      { nodeId: 'node10', at: at(0.5) },
      { nodeId: 'node10', at: at(0.9) },
      { nodeId: 'node2', at: at(29.9) },
    ],
    ['node2', 'node10', 'node1'],
    range,
  )

  expect(heat.nodeIds).toEqual(['node1', 'node2', 'node10'])
  expect(heat.most).toBe(2)
  expect(cellsOf(heat)).toEqual([
    { nodeId: 'node2', fromMs: sinceMs + 29_000, count: 1 },
    { nodeId: 'node10', fromMs: sinceMs, count: 2 },
  ])
})

test('what a clock puts outside of the range is not counted', () => {
  const heat = heatOf(
    [
      { nodeId: 'a', at: at(-1) },
      { nodeId: 'a', at: at(31) },
    ],
    [],
    range,
  )

  expect(cellsOf(heat)).toEqual([])
})

test.each([
  [0, 8, 0],
  [1, 8, 1],
  [4, 8, 2],
  [8, 8, 4],
])('%i of at most %i is level %i', (count, most, level) => {
  expect(levelOf(count, most)).toBe(level)
})
