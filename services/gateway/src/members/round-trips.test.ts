import type { ClusterMember, NodeViewed, SwimMember } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import { measureRoundTrips } from './round-trips.ts'
import type { SaidView } from './said-view.ts'

const at = '2026-01-15T10:00:00.000000Z'
const before = '2026-01-15T09:59:54.000000Z'
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
      seen_by: { alive: 0, suspect: 0, down: 0, unlisted: 0 },
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
): SaidView {
  return {
    ageMs: 12.4,
    view: {
      nodeId: `node${number}`,
      at,
      swim: { source: 'admin-socket', takenAt: at, error: null, members, ...change },
      sync: null,
      replication: null,
      canaries: [],
      canaryIntervalMs: null,
      declared: { source: 'static', nodes: [], takenAt: null, error: null },
    },
  }
}

test('each cell is the median of what one node measured to another, rounded to 0.01', async () => {
  const { rtt_ms, samples, not_alive, mean_ms, deviation_ms } = await measureRoundTrips(
    [member(1), member(2)],
    [view(1, [seen(2, [9, 1.004, 2.004])]), view(2, [seen(1, [4], { state: 'suspect' })])],
  )

  expect(rtt_ms).toEqual([
    [null, 2],
    [4, null],
  ])
  expect(samples).toEqual([
    [0, 3],
    [1, 0],
  ])
  expect(not_alive).toEqual([{ from: 'node2', state: 'suspect', to: ['node1'] }])
  expect([mean_ms, deviation_ms]).toEqual([3, 1])
})

test.each([
  [[], null],
  [[5], 5],
  [[9, 1], 1],
  [[3, 9, 1], 3],
  [[4, 4, 1, 8, 2], 4],
  [Array.from({ length: 20 }, (_, index) => 20 - index), 10],
])('the median of %j is %j', async (values, median) => {
  const { rtt_ms } = await measureRoundTrips([member(1), member(2)], [view(1, [seen(2, values)])])

  expect(rtt_ms[0]).toEqual([null, median])
})

test('an agent that was wiped is found by its new identity, and else by its address', async () => {
  const wiped = member(2, { former_actor_ids: [actor(8)] })
  const cellOf = async (members: SwimMember[]) => {
    const { rtt_ms, not_alive } = await measureRoundTrips([member(1), wiped], [view(1, members)])
    return [rtt_ms[0]?.[1], not_alive.map(({ state }) => state)]
  }

  const former = seen(2, [], { actorId: actor(8), state: 'down' })
  expect(await cellOf([former, seen(2, [7])])).toEqual([7, []])
  expect(await cellOf([former, seen(2, [5], { actorId: actor(9) })])).toEqual([5, []])
  expect(await cellOf([former])).toEqual([null, ['unlisted']])
})

test('a node has no round trip to its own former agent', async () => {
  const former = seen(1, [3], { actorId: actor(8) })

  const { rtt_ms } = await measureRoundTrips([member(1), member(2)], [view(1, [former])])

  expect(rtt_ms[0]).toEqual([null, null])
})

test('who says nothing, or sees nothing, is told with the reason; agents without a node are not', async () => {
  const nameless = member(4, { node_id: null })

  const { nodes, rtt_ms, not_alive, mean_ms } = await measureRoundTrips(
    [member(1), member(2), member(3), nameless],
    [view(1, [], { source: 'none', error: 'no such socket' }), view(2, [], { source: 'table' })],
  )

  expect(nodes.map(({ node_id, age_ms, error }) => [node_id, age_ms, error])).toEqual([
    ['node1', 12, 'no such socket'],
    ['node2', 12, 'its admin socket is not read: no round trips'],
    ['node3', null, 'it has not said what it sees'],
  ])
  expect(rtt_ms).toEqual(Array.from({ length: 3 }, () => [null, null, null]))
  expect(not_alive).toEqual([{ from: 'node2', state: 'unlisted', to: ['node1', 'node3'] }])
  expect(mean_ms).toBeNull()
})

test.each<[string, SaidView, string]>([
  [
    'what was seen before the admin socket failed',
    view(2, [seen(1, [9, 9, 9])], { takenAt: before, error: 'no such socket' }),
    'no such socket',
  ],
  [
    'what a node saw that is not heard any more',
    { ...view(2, [seen(1, [9, 9, 9])]), ageMs: 6000 },
    'it has not said lately what it sees',
  ],
])('%s counts no more', async (_, old, reason) => {
  const reply = await measureRoundTrips([member(1), member(2)], [view(1, [seen(2, [4])]), old])

  expect(reply.rtt_ms).toEqual([
    [null, 4],
    [null, null],
  ])
  expect(reply.nodes.map(({ error }) => error)).toEqual([null, reason])
  expect(reply.not_alive).toEqual([])
  expect(reply.mean_ms).toBe(4)
})

test('an admin socket that was slow once is told with what was seen before', async () => {
  const slow = view(1, [seen(2, [4])], { error: 'no answer in 900 ms' })

  const { nodes, rtt_ms } = await measureRoundTrips([member(1), member(2)], [slow])

  expect(rtt_ms[0]).toEqual([null, 4])
  expect(nodes[0]?.error).toBe('no answer in 900 ms')
})

test('the answer of 500 nodes is below three megabytes', async () => {
  const ids = Array.from({ length: 500 }, (_, index) => index + 1)
  const idOf = (number: number) => String(number).padStart(32, '0')
  const members = ids.map((number) => member(number, { actor_id: idOf(number) }))
  const views = ids.map((from) => {
    const others = ids.filter((to) => to !== from)
    return view(
      from,
      others.map((to) =>
        seen(to, [100 + (((from * 31 + to) * 17) % 9999) / 100], { actorId: idOf(to) }),
      ),
    )
  })

  const answer = JSON.stringify(await measureRoundTrips(members, views))

  expect(answer.length).toBeLessThan(3_000_000)
})
