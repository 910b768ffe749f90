import { expect, test } from '@jest/globals'
import { differencesOf } from './differences.ts'

const nodes = ['node1', 'node2', 'node3']

test('a cell that differs lists what most nodes have first', () => {
  const cells = [
    {
      column: 'region',
      values: [
        { value: 'fra', node_ids: ['node1'] },
        { value: null, node_ids: ['node2', 'node3'] },
      ],
    },
  ]

  expect(differencesOf([{ key: ['m1'], missing_on: [], cells }], nodes)).toEqual([
    {
      id: '0 region',
      key: ['m1'],
      column: 'region',
      values: [
        { text: 'NULL NULL', value: null, nodeIds: ['node2', 'node3'] },
        { text: 'text fra', value: 'fra', nodeIds: ['node1'] },
      ],
    },
  ])
})

test('a row that a node lacks is there on the others that answered', () => {
  expect(differencesOf([{ key: [7], missing_on: ['node2'], cells: [] }], nodes)).toEqual([
    {
      id: '0',
      key: [7],
      column: null,
      values: [
        { text: 'there', nodeIds: ['node1', 'node3'] },
        { text: 'missing', nodeIds: ['node2'] },
      ],
    },
  ])
})
