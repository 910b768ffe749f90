import { expect, test } from '@jest/globals'
import { compareDigests } from './convergence.ts'

const node = (nodeId: string, ...tables: (readonly [string, number, string | null])[]) => ({
  nodeId,
  tables: tables.map(([table, rows, digest]) => ({ table, rows, digest })),
})

test('nodes with the same digest are one group', () => {
  const tables = compareDigests([node('node2', ['a', 3, 'x']), node('node1', ['a', 3, 'x'])])

  expect(tables).toEqual([
    {
      table: 'a',
      is_equal: true,
      rows: 3,
      groups: [{ digest: 'x', rows: 3, node_ids: ['node1', 'node2'] }],
    },
  ])
})

test('the largest group comes first, and as many rows may be other ones', () => {
  const [table] = compareDigests([
    node('node1', ['a', 3, 'x']),
    node('node2', ['a', 3, 'y']),
    node('node3', ['a', 3, 'y']),
  ])

  expect(table).toMatchObject({ is_equal: false, rows: 3 })
  expect(table?.groups.map(({ node_ids }) => node_ids)).toEqual([['node2', 'node3'], ['node1']])
})

test('a table that a node does not have is a difference, even when it is empty', () => {
  const tables = compareDigests([
    node('node1', ['b', 0, 'x'], ['a', 1, 'z']),
    node('node2', ['a', 2, 'y']),
  ])

  expect(tables.map(({ table, is_equal, rows }) => ({ table, is_equal, rows }))).toEqual([
    { table: 'a', is_equal: false, rows: null },
    { table: 'b', is_equal: false, rows: 0 },
  ])
  expect(tables[1]?.groups[1]).toEqual({ digest: null, rows: 0, node_ids: ['node2'] })
})
