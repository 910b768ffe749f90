import { describe, expect, test } from '@jest/globals'
import { linearEdges, logarithmicEdges } from './buckets.ts'

describe('linear buckets', () => {
  test.each([
    { samples: [5, 5], edges: [5, 6] },
    { samples: [0, 59], edges: Array.from({ length: 61 }, (_, edge) => edge) },
    // One more bucket would be needed, so they are twice as wide.
    { samples: [0, 60], edges: Array.from({ length: 32 }, (_, edge) => edge * 2) },
    { samples: [1999, 2000], edges: [1999, 2000, 2001] },
    { samples: [0, 100_000], edges: Array.from({ length: 52 }, (_, edge) => edge * 2000) },
    { samples: [-150, 149], edges: Array.from({ length: 61 }, (_, edge) => (edge - 30) * 5) },
  ])('of $samples', ({ samples: [smallest = 0, largest = 0], edges }) => {
    expect(linearEdges(smallest, largest)).toEqual(edges)
  })
})

describe('logarithmic buckets', () => {
  test.each([
    { samples: [0, 0], edges: [0, 100] },
    { samples: [99, 100], edges: [0, 100, 125] },
    { samples: [100, 124], edges: [100, 125] },
    { samples: [125, 125], edges: [125, 160] },
    { samples: [999, 1000], edges: [800, 1000, 1250] },
    { samples: [-7, 130], edges: [-7, 100, 125, 160] },
  ])('of $samples', ({ samples: [smallest = 0, largest = 0], edges }) => {
    expect(logarithmicEdges(smallest, largest)).toEqual(edges)
  })
})

test('no sample falls outside of the first and the last edge', () => {
  for (const samples of [
    [1, 1],
    [0, 125],
    [62, 1_000_000],
    [127, 128],
    [-3, 59_999_999],
  ]) {
    const [smallest = 0, largest = 0] = samples
    for (const edges of [linearEdges(smallest, largest), logarithmicEdges(smallest, largest)]) {
      expect(edges[0]).toBeLessThanOrEqual(smallest)
      expect(edges.at(-1)).toBeGreaterThan(largest)
      expect(edges[1]).toBeGreaterThan(smallest)
      expect(edges.at(-2)).toBeLessThanOrEqual(largest)
    }
  }
})
