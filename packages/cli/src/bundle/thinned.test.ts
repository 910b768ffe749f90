import { expect, test } from '@jest/globals'
import { createThinned } from './thinned.ts'

test('a million values keep few, evenly, of each series', () => {
  const thinned = createThinned<number>()

  for (let index = 0; index < 500_000; index += 1) {
    thinned.add('a', index)
    thinned.add('b', index)
  }

  const [a = [], b] = [thinned.series.get('a'), thinned.series.get('b')]
  expect(thinned.added).toBe(1_000_000)
  expect(thinned.stride).toBe(64)
  expect(a).toEqual(Array.from({ length: a.length }, (_, index) => index * 64))
  expect(a).toEqual(b)
  expect(a.length).toBe(Math.ceil(500_000 / 64))
})
