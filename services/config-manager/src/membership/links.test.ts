import { expect, test } from '@jest/globals'
import { createLinkWatch, type Watched } from './links.ts'

const intervalMs = 2000

/** Node2 as NATS has it, when it has written this many canaries. */
const saying = (sequence: number): Watched[] => [
  { nodeId: 'node2', said: { sequence, intervalMs } },
]
const silent: Watched[] = [{ nodeId: 'node2', said: undefined }]

const row = (sequence: number) => new Map([['node2', sequence]])

/** The link after looks at each second, from second 0; a look is what was read and what was heard. */
function linksAfter(looks: [rows: Map<string, number> | undefined, watched: Watched[]][]) {
  const watch = createLinkWatch()
  return looks.map(([rows, watched], second) => watch.look(rows, watched, second * 1000)[0]?.link)
}

test('a link is ok from the first canary that is seen to come', () => {
  expect(
    linksAfter([
      [row(7), saying(7)],
      [row(7), saying(8)],
      [row(8), saying(8)],
      [row(8), saying(9)],
      [row(9), saying(9)],
    ]),
  ).toEqual(['unknown', 'unknown', 'ok', 'ok', 'ok'])
})

test('it is suspected when canaries that were written do not come for two and a half intervals', () => {
  expect(
    linksAfter([
      [row(7), saying(7)],
      [row(8), saying(8)],
      ...[8, 9, 9, 10, 10, 11].map((said): [Map<string, number>, Watched[]] => [
        row(8),
        saying(said),
      ]),
      [row(11), saying(11)],
    ]),
  ).toEqual([
    'unknown',
    'ok',
    'ok',
    'ok',
    'ok',
    'ok',
    'ok', // five seconds, to the millisecond
    'partitioned?',
    'ok',
  ])
})

test('a node of which nothing ever came is suspected too', () => {
  const looks = [1, 1, 2, 2, 3, 3, 4].map((said): [Map<string, number>, Watched[]] => [
    new Map(),
    saying(said),
  ])

  expect(linksAfter(looks).at(-2)).toBe('unknown')
  expect(linksAfter(looks).at(-1)).toBe('partitioned?')
})

test('a node that writes no canaries is not suspected of anything', () => {
  const looks = [7, 8, 8, 8, 8, 8, 8, 8, 8].map((sequence): [Map<string, number>, Watched[]] => [
    row(sequence),
    saying(sequence),
  ])

  expect(linksAfter(looks)).not.toContain('partitioned?')
  expect(linksAfter(looks).at(-1)).toBe('unknown')
})

test('nobody is suspected while this agent is away, nor for as long again after it is back', () => {
  const looks: [Map<string, number> | undefined, Watched[]][] = [
    [row(7), saying(7)],
    [row(8), saying(8)],
    ...[8, 9, 10, 11, 12].map((said): [undefined, Watched[]] => [undefined, saying(said)]),
    ...[13, 13, 14, 14, 15, 15, 16].map((said): [Map<string, number>, Watched[]] => [
      row(8),
      saying(said),
    ]),
  ]

  expect(linksAfter(looks).slice(2)).toEqual([...Array(11).fill('unknown'), 'partitioned?'])
})

test('a node that was not heard for a while is not blamed for the canaries of that time', () => {
  const looks: [Map<string, number>, Watched[]][] = [
    [row(7), saying(7)],
    [row(8), saying(8)],
    ...Array.from({ length: 9 }, (): [Map<string, number>, Watched[]] => [row(8), silent]),
    [row(8), saying(12)],
    [row(12), saying(12)],
  ]

  expect(linksAfter(looks).slice(2)).toEqual([...Array(10).fill('unknown'), 'ok'])
})

test('a process that stood still blames nobody', () => {
  const watch = createLinkWatch()
  watch.look(row(7), saying(7), 0)
  watch.look(row(8), saying(8), 1000)

  expect(watch.look(row(8), saying(30), 60_000)[0]?.link).toBe('unknown')
  expect(watch.look(row(30), saying(30), 61_000)[0]).toEqual({
    nodeId: 'node2',
    sequence: 30,
    ageMs: 0,
    link: 'ok',
  })
})

test('a node that is no longer watched is forgotten', () => {
  const watch = createLinkWatch()
  watch.look(row(7), saying(7), 0)

  expect(watch.look(row(8), [], 1000)).toEqual([])
  expect(watch.look(row(9), saying(9), 2000)[0]?.link).toBe('unknown')
})
