import { expect, test } from '@jest/globals'
import { joinAddress, nodesInText } from './dns-answers.ts'

const idsIn = (records: string[][]) => nodesInText(records).nodes.map(({ nodeId }) => nodeId)

test.each([
  ['one record', [['m2 fra,m1 iad']], ['fra-m2', 'iad-m1']],
  ['several records', [['m1 iad'], ['m2 fra']], ['fra-m2', 'iad-m1']],
  ['a record in pieces that end inside a pair', [['m1 ia', 'd,m2 ', 'fra']], ['fra-m2', 'iad-m1']],
  ['a machine that is named twice', [['m1 iad,m1 iad']], ['iad-m1']],
  ['spaces around pairs', [[' m1  iad , m2 fra ']], ['fra-m2', 'iad-m1']],
  ['empty pairs', [['m1 iad,,']], ['iad-m1']],
  ['nothing', [['']], []],
])('nodes of %s', (_, records, nodeIds) => {
  expect(idsIn(records)).toEqual(nodeIds)
})

test('pairs that name no node are left out and told', () => {
  const { nodes, malformed } = nodesInText([['m1 iad,alone,m2 fra extra,m.3 sin']])

  expect(nodes).toEqual([{ nodeId: 'iad-m1', address: null, region: 'iad' }])
  expect(malformed).toEqual(['alone', 'm2 fra extra', 'm.3 sin'])
})

test('an IPv6 address is joined with its port in brackets', () => {
  expect(joinAddress('fd00::2', 8787)).toBe('[fd00::2]:8787')
  expect(joinAddress('10.0.0.2', 8787)).toBe('10.0.0.2:8787')
})
