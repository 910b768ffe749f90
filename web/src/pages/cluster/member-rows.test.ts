import type { ClusterMember } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { countSights, keyOf, medianOf, selectMembers, sightsOf } from './member-rows.ts'

function member(part: Partial<ClusterMember>): ClusterMember {
  return {
    node_id: 'node1',
    actor_id: null,
    former_actor_ids: [],
    gossip_address: null,
    region: 'iad',
    is_local: false,
    state: 'active',
    declared: { is_declared: true, source: 'static' },
    nats: { presence: 'present', age_ms: 10 },
    agent: { state: 'ready', since: null, kind: 'real', version: '1.0.0' },
    swim: {
      state: 'alive',
      source: 'admin-socket',
      age_ms: 0,
      incarnation: 0,
      ring: 0,
      rtts_ms: [],
      last_sync_at: null,
      seen_by: [],
    },
    link: { state: 'ok', canary_age_ms: 0, partitioned_from: [] },
    is_agreed: true,
    ...part,
  }
}

const three = [
  member({ node_id: 'node10', region: 'syd' }),
  member({ node_id: 'node2' }),
  member({ node_id: null, actor_id: 'abcdef', is_agreed: false }),
]

test('members that the sources disagree on come first, the others by name', () => {
  expect(selectMembers(three, {}).map(keyOf)).toEqual(['abcdef', 'node2', 'node10'])
})

test.each([
  [{ q: 'SYD' }, ['node10']],
  [{ q: ' node ' }, ['node2', 'node10']],
  [{ q: 'abc' }, ['abcdef']],
  [{ only: 'disagreeing' as const }, ['abcdef']],
  [{ q: 'node', only: 'disagreeing' as const }, []],
])('%j selects %j', (filter, keys) => {
  expect(selectMembers(three, filter).map(keyOf)).toEqual(keys)
})

test('sights are counted by state', () => {
  const sights = (['alive', 'down', 'alive'] as const).map((state, index) => ({
    node_id: `node${index}`,
    state,
  }))
  expect(countSights(sights)).toBe('2 alive, 1 down')
  expect(countSights([])).toBe('')
})

test('a member is seen by this node, by those that say so, and not by the rest', () => {
  const { swim } = member({})
  const seen = member({
    node_id: 'node2',
    swim: { ...swim, state: 'suspect', seen_by: [{ node_id: 'node3', state: 'down' }] },
  })
  const members = [
    member({ node_id: 'node4' }),
    seen,
    member({ node_id: 'node3' }),
    member({ node_id: 'node1', is_local: true }),
  ]
  expect(sightsOf(seen, members)).toEqual([
    { node_id: 'node1', state: 'suspect' },
    { node_id: 'node4', state: null },
    { node_id: 'node3', state: 'down' },
  ])
})

test.each([
  [[], null],
  [[5], 5],
  [[9, 1], 1],
  [[3, 9, 1], 3],
])('the median of %j is %j', (values, median) => {
  expect(medianOf(values)).toBe(median)
})
