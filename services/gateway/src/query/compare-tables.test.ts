import type { Cell } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { compareTables, IncomparableError, type NodeTable } from './compare-tables.ts'

function node(nodeId: string, rows: Cell[][], columns = ['pk', 'a', 'b']): NodeTable {
  return { nodeId, table: { columns, rows, cut: null, tookMs: 1 } }
}

const big = (text: string): Cell => ({ $integer: text })
const blob = (text: string): Cell => ({ $blob: text })

test('rows that are the same everywhere are equal, in whatever order', () => {
  const one = node('node1', [
    ['x', 1, null],
    ['y', big('9223372036854775807'), blob('AA==')],
  ])
  const two = node('node2', one.table.rows.toReversed())

  expect(compareTables([one, two])).toEqual({
    is_equal: true,
    is_complete: true,
    key: ['pk'],
    equal_rows: 2,
    differing: [],
    differing_rows: 0,
  })
})

test('a cell that differs is told with who has what, a row that is missing with who lacks it', () => {
  const one = node('node1', [
    ['x', 1, big('9007199254740993')],
    ['y', 2, blob('AA==')],
  ])
  const two = node('node2', [['x', 1, big('9007199254740992')]])
  const three = node('node3', one.table.rows)

  expect(compareTables([one, two, three])).toMatchObject({
    is_equal: false,
    key: ['pk'],
    equal_rows: 0,
    differing_rows: 2,
    differing: [
      {
        key: ['x'],
        missing_on: [],
        cells: [
          {
            column: 'b',
            values: [
              { value: big('9007199254740993'), node_ids: ['node1', 'node3'] },
              { value: big('9007199254740992'), node_ids: ['node2'] },
            ],
          },
        ],
      },
      { key: ['y'], missing_on: ['node2'], cells: [] },
    ],
  })
})

test.each([
  [
    'the first column, where it is unique',
    [['x', 1, 1]],
    [
      ['x', 2, 2],
      ['y', 2, 2],
    ],
    ['pk'],
  ],
  [
    'two, where one is not',
    [
      ['x', 1, 1],
      ['x', 2, 1],
    ],
    [['x', 1, 2]],
    ['pk', 'a'],
  ],
  [
    'all three',
    [
      ['x', 1, 1],
      ['x', 1, 2],
    ],
    [['x', 1, 2]],
    ['pk', 'a', 'b'],
  ],
  [
    'whole rows',
    [
      ['x', 1, 1],
      ['x', 1, 1],
    ],
    [['x', 1, 1]],
    [],
  ],
  ['the one row that each has', [['x', 1, 1]], [['y', 2, 2]], []],
])('rows are told apart by %s', (_, first, second, key) => {
  expect(compareTables([node('node1', first), node('node2', second)]).key).toEqual(key)
})

test('of rows that are there several times, each is one', () => {
  const one = node('node1', [
    ['x', 1, 1],
    ['x', 1, 1],
    ['x', 1, 1],
  ])
  const two = node('node2', [
    ['x', 1, 1],
    ['x', 1, 1],
  ])

  expect(compareTables([one, two])).toMatchObject({
    equal_rows: 2,
    differing: [{ key: ['x', 1, 1], missing_on: ['node2'], cells: [] }],
  })
})

test('one row of each node differs by its cells', () => {
  const count = (nodeId: string, rows: number) => node(nodeId, [[rows]], ['count(*)'])

  expect(compareTables([count('node1', 5), count('node2', 6)]).differing).toEqual([
    {
      key: [],
      missing_on: [],
      cells: [
        {
          column: 'count(*)',
          values: [
            { value: 5, node_ids: ['node1'] },
            { value: 6, node_ids: ['node2'] },
          ],
        },
      ],
    },
  ])
})

test('the first 200 differences are told, and all are counted; what a limit cut is not complete', () => {
  const rows = Array.from({ length: 500 }, (_, at): Cell[] => [at, 1, 1])
  const one = { ...node('node1', rows) }
  const two = node('node2', [])

  const compared = compareTables([{ ...one, table: { ...one.table, cut: 'rows' } }, two])

  expect(compared.differing).toHaveLength(200)
  expect(compared).toMatchObject({ differing_rows: 500, is_complete: false })
})

test.each([
  ['other columns', [node('node1', []), node('node2', [], ['pk', 'a'])], [], 'node2 has pk, a'],
  ['a key that is no column', [node('node1', []), node('node2', [])], ['c'], 'no column c'],
  [
    'a key that is not unique',
    [
      node('node1', []),
      node('node2', [
        ['x', 1, 1],
        ['x', 2, 2],
      ]),
    ],
    ['pk'],
    'node2 has several rows with the same pk',
  ],
])('%s cannot be compared', (_, nodes, key, words) => {
  const compare = () => compareTables(nodes, key)

  expect(compare).toThrow(IncomparableError)
  expect(compare).toThrow(words)
})
