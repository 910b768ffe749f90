import type { ClusterMember, NodeViewed, SwimMember } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { measureRoundTrips } from './round-trips.ts'

const actor = (digit: number): string => String(digit).repeat(32)

function member(number: number, change: Partial<ClusterMember> = {}): ClusterMember {
  return {
    node_id: `node${number}`,
    actor_id: actor(number),
    former_actor_ids: [],
    gossip_address: `10.0.0.${number}:8787`,
    region: 'iad',
    is_local: number === 1,
    state: 'active',
    declared: { is_declared: true, source: 'static' },
    nats: { presence: 'present', age_ms: 1 },
    agent: { state: 'ready', since: null, kind: 'real', version: null },
    swim: {
      state: 'alive',
      source: null,
      age_ms: null,
      incarnation: null,
      ring: null,
      rtts_ms: [],
      last_sync_at: null,
      seen_by: [],
    },
    link: { state: 'ok', canary_age_ms: null, partitioned_from: [] },
    is_agreed: true,
    ...change,
  }
}

function seen(number: number, rttsMs: number[], change: Partial<SwimMember> = {}): SwimMember {
  return {
    actorId: actor(number),
    address: `10.0.0.${number}:8787`,
    state: 'alive',
    incarnation: 0,
    identifiedAt: null,
    ring: 0,
    rttsMs,
    lastSyncAt: null,
    ...change,
  }
}

function view(
  number: number,
  members: SwimMember[],
  change: Partial<NodeViewed['swim']> = {},
): { view: NodeViewed; ageMs: number } {
  return {
    ageMs: 12.4,
    view: {
      nodeId: `node${number}`,
      at: '2026-01-15T10:00:00.000000Z',
      swim: { source: 'admin-socket', takenAt: null, error: null, members, ...change },
      sync: null,
      replication: null,
      canaries: [],
      canaryIntervalMs: null,
      declared: { source: 'static', nodes: [], takenAt: null, error: null },
    },
  }
}

test('each cell is the median of what one node measured to another', () => {
  const { round_trips, mean_ms, deviation_ms } = measureRoundTrips(
    [member(1), member(2)],
    [view(1, [seen(2, [9, 1, 2])]), view(2, [seen(1, [4], { state: 'suspect' })])],
  )

  expect(round_trips).toEqual([
    { from: 'node1', to: 'node2', rtt_ms: 2, samples: 3, ring: 0, state: 'alive' },
    { from: 'node2', to: 'node1', rtt_ms: 4, samples: 1, ring: 0, state: 'suspect' },
  ])
  expect([mean_ms, deviation_ms]).toEqual([3, 1])
})

test('an agent that was wiped is found by its new identity, and else by its address', () => {
  const wiped = member(2, { former_actor_ids: [actor(8)] })
  const cellOf = (members: SwimMember[]) =>
    measureRoundTrips([member(1), wiped], [view(1, members)]).round_trips[0]

  const former = seen(2, [], { actorId: actor(8), state: 'down' })
  expect(cellOf([former, seen(2, [7])])).toMatchObject({ rtt_ms: 7, state: 'alive' })
  expect(cellOf([former, seen(2, [5], { actorId: actor(9) })])).toMatchObject({ rtt_ms: 5 })
  expect(cellOf([former])).toMatchObject({ rtt_ms: null, samples: 0, state: null })
})

test('who says nothing, or sees nothing, is told with the reason; agents without a node are not', () => {
  const nameless = member(4, { node_id: null })

  const { nodes, round_trips, mean_ms } = measureRoundTrips(
    [member(1), member(2), member(3), nameless],
    [view(1, [], { error: 'no such socket' }), view(2, [], { source: 'table' })],
  )

  expect(nodes.map(({ node_id, age_ms, error }) => [node_id, age_ms, error])).toEqual([
    ['node1', 12, 'no such socket'],
    ['node2', 12, 'its admin socket is not read: no round trips'],
    ['node3', null, 'it has not said what it sees'],
  ])
  expect(round_trips).toHaveLength(6)
  expect(mean_ms).toBeNull()
})
