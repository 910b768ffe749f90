import { expect, test } from '@jest/globals'
import { regionInNodeId } from './region.ts'

test.each([
  ['fra-3d8d9d0b', 'fra'],
  ['us-1-2', 'us'],
  ['abcd-1', 'abcd'],
  ['node1', undefined],
  ['abcde-1', undefined],
  ['a-1', undefined],
  ['fra', undefined],
  ['-fra', undefined],
])('the region in %s is %s', (nodeId, region) => {
  expect(regionInNodeId(nodeId)).toBe(region)
})
