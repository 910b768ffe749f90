import type { ClusterMember } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { countSights, keyOf, medianOf, selectMembers } from './member-rows.ts'

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
      seen_by: { alive: 0, suspect: 0, down: 0, unlisted: 0 },
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

test('sights are counted by state, the most frequent first, without those of nobody', () => {
  expect(countSights({ alive: 1, suspect: 0, down: 2, unlisted: 1 })).toBe(
    '2 down, 1 alive, 1 unlisted',
  )
  expect(countSights({ alive: 0, suspect: 0, down: 0, unlisted: 0 })).toBe('')
})

test.each([
  [[], null],
  [[5], 5],
  [[9, 1], 1],
  [[3, 9, 1], 3],
])('the median of %j is %j', (values, median) => {
  expect(medianOf(values)).toBe(median)
})
