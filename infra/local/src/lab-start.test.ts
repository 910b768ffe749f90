import { distanceKm } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { type Bends, delaysFrom, labStart, requireBendable } from './lab-start.ts'

const development = { agentKind: 'development', keepConfig: false } as const

test('nodes have the regions in turn, and links half of the round trip between them', () => {
  const oneWay = 2 + distanceKm('iad', 'fra') / 150

  const delays = delaysFrom(1, { nodes: 4, regions: ['iad', 'fra'] })

  expect(delays.map(({ to }) => to)).toEqual([2, 3, 4])
  expect(delays[0]?.delayMs).toBeCloseTo(oneWay)
  expect(delays[1]?.delayMs).toBe(2)
  expect(delays[2]?.delayMs).toBeCloseTo(oneWay)
})

test('an agent starts with the addresses of its cluster, and with its own clock', () => {
  const bends: Bends = { nodes: 2, regions: ['iad'], clockOffsetsMs: { node2: -500 } }

  expect(labStart(1, 100, bends)).toEqual({
    clockOffsetMs: 0,
    delaysMs: new Map([['127.0.0.1:8888', 2]]),
  })
  expect(labStart(2, 0, bends).clockOffsetMs).toBe(-500)
  expect(labStart(1, 0, { nodes: 3 })).toEqual({ clockOffsetMs: 0, delaysMs: new Map() })
})

test.each<[Bends, Parameters<typeof requireBendable>[1], string]>([
  [{ nodes: 3, regions: ['iad', 'xx'] }, development, 'no region: "xx"'],
  [{ nodes: 2, clockOffsetsMs: { node3: 1, node0: 1 } }, development, 'no node3 and no node0'],
  [
    { nodes: 2, regions: ['iad'], clockOffsetsMs: { node1: 1 } },
    { agentKind: 'real', keepConfig: false },
    'regions and clock offsets are for development agents',
  ],
  [
    { nodes: 2, clockOffsetsMs: { node1: 1 } },
    { agentKind: 'development', keepConfig: true },
    '--keep-config',
  ],
])('%j with %j is refused', (bends, where, message) => {
  expect(() => requireBendable(bends, where)).toThrow(message)
})

test('real agents that are not bent are not refused', () => {
  const bends = { nodes: 1, regions: [], clockOffsetsMs: { node1: 0 } }

  expect(requireBendable(bends, { agentKind: 'real', keepConfig: true })).toBeUndefined()
})
