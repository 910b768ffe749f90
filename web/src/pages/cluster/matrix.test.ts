import type { RoundTripLink } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { deviationsOf, levelOf, linksBetween, nodeMatrix, regionMatrix } from './matrix.ts'

function link(from: string, to: string, part: Partial<RoundTripLink> = {}): RoundTripLink {
  return { from, to, rttMs: 10, samples: 20, state: 'alive', ...part }
}

const nodes = Object.entries({ node10: 'fra', node2: 'fra', node1: 'iad', node3: null }).map(
  ([node_id, region]) => ({ node_id, region, age_ms: 0, error: null }),
)

test('nodes stand by region, then by name', () => {
  const { axis } = nodeMatrix(nodes, [])
  expect(axis.map(({ id }) => id)).toEqual(['node3', 'node2', 'node10', 'node1'])
})

test('a cell is from its row to its column', () => {
  const { cell } = nodeMatrix(nodes, [link('node1', 'node2', { rttMs: 7 })])
  expect(cell('node1', 'node2')?.rttMs).toBe(7)
  expect(cell('node2', 'node1')).toBeUndefined()
})

test('a pair of regions has the mean of its links, and counts those that failed', () => {
  const { cell, axis } = regionMatrix(nodes, [
    link('node1', 'node2', { rttMs: null, state: 'down' }),
    link('node1', 'node10', { rttMs: 30 }),
    link('node1', 'node3', { rttMs: null, state: null }),
  ])
  expect(axis.map(({ id }) => id)).toEqual(['fra', 'iad', 'no region'])
  expect(cell('iad', 'fra')).toEqual({ rttMs: 30, links: 2, failed: 1, state: 'down' })
  expect(cell('iad', 'no region')).toEqual({ rttMs: null, links: 1, failed: 1, state: null })
})

test('the links of a pair of regions are those in this direction', () => {
  const there = link('node1', 'node2')
  const links = [there, link('node2', 'node1')]
  expect(linksBetween(nodes, links, ['iad', 'fra'])).toEqual([there])
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
