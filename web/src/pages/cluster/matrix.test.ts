import type { RoundTrip, RoundTripsReply } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { deviationsOf, levelOf, linksBetween, nodeMatrix, regionMatrix } from './matrix.ts'

function trip(from: string, to: string, part: Partial<RoundTrip> = {}): RoundTrip {
  return { from, to, rtt_ms: 10, samples: 20, ring: 0, state: 'alive', ...part }
}

function reply(round_trips: RoundTrip[]): RoundTripsReply {
  const regions = { node10: 'fra', node2: 'fra', node1: 'iad', node3: null }
  return {
    nodes: Object.entries(regions).map(([node_id, region]) => ({
      node_id,
      region,
      age_ms: 0,
      error: null,
    })),
    round_trips,
    mean_ms: 20,
    deviation_ms: 5,
    node_id: 'node1',
    timestamp: '2026-01-15T10:00:00.000000Z',
  }
}

test('nodes stand by region, then by name', () => {
  const { axis } = nodeMatrix(reply([]))
  expect(axis.map(({ id }) => id)).toEqual(['node3', 'node2', 'node10', 'node1'])
})

test('a cell is from its row to its column', () => {
  const { cell } = nodeMatrix(reply([trip('node1', 'node2', { rtt_ms: 7 })]))
  expect(cell('node1', 'node2')?.rttMs).toBe(7)
  expect(cell('node2', 'node1')).toBeUndefined()
})

test('a pair of regions has the mean of its links, and counts those that failed', () => {
  const { cell, axis } = regionMatrix(
    reply([
      trip('node1', 'node2', { rtt_ms: null, state: 'down' }),
      trip('node1', 'node10', { rtt_ms: 30 }),
      trip('node1', 'node3', { rtt_ms: null, state: null }),
    ]),
  )
  expect(axis.map(({ id }) => id)).toEqual(['fra', 'iad', 'no region'])
  expect(cell('iad', 'fra')).toEqual({ rttMs: 30, links: 2, failed: 1, state: 'down' })
  expect(cell('iad', 'no region')).toEqual({ rttMs: null, links: 1, failed: 1, state: null })
})

test('the links of a pair of regions are those in this direction', () => {
  const there = trip('node1', 'node2')
  expect(linksBetween(reply([there, trip('node2', 'node1')]), 'iad', 'fra')).toEqual([there])
})

test.each([
  [20, 0, 'usual'],
  [26, 1.2, 'slow'],
  [30, 2, 'very-slow'],
  [15, -1, 'fast'],
  [null, null, 'usual'],
])('a round trip of %j is %j deviations off: %s', (rtt, deviations, level) => {
  expect(deviationsOf(rtt, { mean_ms: 20, deviation_ms: 5 })).toBe(deviations)
  expect(levelOf(deviations)).toBe(level)
})

test('where all round trips are equal none deviates', () => {
  expect(deviationsOf(20, { mean_ms: 20, deviation_ms: 0 })).toBeNull()
})
