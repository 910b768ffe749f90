import { expect, test } from '@jest/globals'
import { roundTripLinks } from './node-detail.ts'

const node = (node_id: string, error: string | null = null) => ({
  node_id,
  region: null,
  age_ms: 0,
  error,
})

test('the links of an answer are its matrix without what is from a node to itself', () => {
  const links = roundTripLinks({
    nodes: [node('a'), node('b'), node('c', 'it has not said what it sees')],
    rtt_ms: [
      [null, 7, null],
      [8, null, null],
      [null, null, null],
    ],
    samples: [
      [0, 3, 0],
      [20, 0, 0],
      [0, 0, 0],
    ],
    not_alive: [
      { from: 'a', state: 'unlisted', to: ['c'] },
      { from: 'b', state: 'down', to: ['a'] },
    ],
    mean_ms: 7.5,
    deviation_ms: 0.5,
    node_id: 'a',
    timestamp: '2026-01-15T10:00:00.000000Z',
  })

  expect(
    links.map(({ from, to, rttMs, samples, state }) => [from, to, rttMs, samples, state]),
  ).toEqual([
    ['a', 'b', 7, 3, 'alive'],
    ['a', 'c', null, 0, 'unlisted'],
    ['b', 'a', 8, 20, 'down'],
    ['b', 'c', null, 0, 'alive'],
    ['c', 'a', null, 0, null],
    ['c', 'b', null, 0, null],
  ])
})
