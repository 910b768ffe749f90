import type { SwimMember } from '@corroport/contracts'
import { expect, test } from '@jest/globals'
import {
  actor,
  address,
  at,
  canary,
  heard,
  memberOf,
  node,
  sources,
  swim,
  view,
} from '../../test/member-sources.ts'
import { mergeMembers } from './merge.ts'
import type { MemberSources } from './sources.ts'

const withSwim = (members: SwimMember[]): Partial<MemberSources> => ({
  swim: { source: 'admin-socket', ageMs: 300, members, isRecent: true },
})

const kindsOf = (change: Partial<MemberSources>): string[] =>
  mergeMembers(sources(change)).disagreements.map(({ node_id, kind }) => `${node_id} ${kind}`)

test('three sources that agree are three members', () => {
  const { members, disagreements } = mergeMembers(sources())

  expect(disagreements).toEqual([])
  expect(members.map(({ node_id, is_local }) => [node_id, is_local])).toEqual([
    ['node1', true],
    ['node2', false],
    ['node3', false],
  ])
  expect(members[2]).toEqual({
    node_id: 'node3',
    actor_id: actor(3),
    former_actor_ids: [],
    gossip_address: address(3),
    region: 'iad',
    is_local: false,
    state: 'active',
    declared: { is_declared: true, source: 'static' },
    nats: { presence: 'present', age_ms: 200 },
    agent: { state: 'ready', since: at, kind: null, version: null },
    swim: {
      state: 'alive',
      source: 'admin-socket',
      age_ms: 300,
      incarnation: 0,
      ring: 0,
      rtts_ms: [1],
      last_sync_at: null,
      seen_by: { alive: 1, suspect: 0, down: 0, unlisted: 0 },
    },
    link: { state: 'ok', canary_age_ms: 600, partitioned_from: [] },
    is_agreed: true,
  })
})

test('a removed node that SWIM remembers as down is no member, and one that runs is', () => {
  const removedActorIds = new Set([actor(8), actor(9)])
  const members = [swim(2), swim(3), swim(8, { state: 'down' }), swim(9)]

  const merged = mergeMembers(sources({ ...withSwim(members), removedActorIds }))

  expect(merged.members.slice(3).map(({ actor_id }) => actor_id)).toEqual([actor(9)])
})

const foreign = swim(9, { address: '10.0.0.9:8787' })
const three = [swim(2), swim(3)]

test.each<[string, Partial<MemberSources>, string[]]>([
  [
    'declared and never heard',
    {
      declared: { source: 'dns', nodes: [1, 2, 3, 4].map((number) => node(`node${number}`)) },
    },
    ['node4 declared-unheard'],
  ],
  [
    'a declared address that nobody has',
    {
      declared: {
        source: 'dns',
        nodes: [
          ...['node1', 'node2', 'node3'].map(node),
          { nodeId: null, address: '10.0.0.7:8787', region: null },
        ],
      },
    },
    ['null declared-unheard'],
  ],
  [
    'heard and not declared',
    { declared: { source: 'static', nodes: ['node1', 'node2'].map(node) } },
    ['node3 heard-undeclared'],
  ],
  ['nothing declared', { declared: { source: 'static', nodes: [] } }, []],
  [
    'down in SWIM, up on NATS',
    withSwim([swim(2), swim(3, { state: 'down' })]),
    ['node3 swim-down-nats-up'],
  ],
  [
    'suspect in SWIM, up on NATS',
    withSwim([swim(2), swim(3, { state: 'suspect' })]),
    ['node3 swim-suspect-nats-up'],
  ],
  ['unknown to SWIM, up on NATS', withSwim([swim(2)]), ['node3 swim-unknown-nats-up']],
  [
    'down in SWIM, with an agent that its node cannot reach',
    {
      ...withSwim([swim(2), swim(3, { state: 'down' })]),
      heard: [heard(1), heard(2), heard(3, { agent: 'unreachable' })],
    },
    [],
  ],
  [
    'alive in SWIM, with an agent that its node cannot reach',
    { heard: [heard(1), heard(2), heard(3, { agent: 'unreachable' })] },
    ['node3 swim-alive-agent-lost'],
  ],
  [
    'alive in SWIM, lost on NATS',
    { heard: [heard(1), heard(2), heard(3, { presence: 'lost' })] },
    ['node3 swim-alive-nats-lost'],
  ],
  [
    'lost on both',
    {
      ...withSwim([swim(2), swim(3, { state: 'down' })]),
      heard: [heard(1), heard(2), heard(3, { presence: 'lost' })],
    },
    [],
  ],
  ['an agent of nobody', withSwim([...three, foreign]), ['null swim-foreign']],
  ['an agent of nobody that is down', withSwim([...three, { ...foreign, state: 'down' }]), []],
  [
    'another actor id in the row',
    { rows: [{ nodeId: 'node3', actorId: actor(3, 1), region: null, state: 'active' }] },
    ['node3 actor-id-differs'],
  ],
  [
    'one actor id announced by two',
    {
      heard: [heard(1), heard(2), heard(3, { actorIds: [actor(2)] })],
      rows: [],
      ...withSwim([swim(2)]),
    },
    // SWIM's only member belongs to one of the two.
    ['node2 swim-unknown-nats-up', 'node2 actor-id-shared', 'node3 actor-id-shared'],
  ],
  [
    'one gossip address announced by two',
    { heard: [heard(1), heard(2), heard(3, { gossip: address(2) })] },
    ['node2 gossip-address-shared', 'node3 gossip-address-shared'],
  ],
  [
    'canaries that do not come here',
    { views: [view(1, three, [canary(2), canary(3, 'partitioned?')])] },
    ['node3 partitioned'],
  ],
  [
    'canaries that do not reach another',
    { views: [view(1, three, [canary(2), canary(3)]), view(2, [], [canary(3, 'partitioned?')])] },
    ['node3 partitioned'],
  ],
  [
    'NATS away: nobody is blamed for not being heard',
    {
      isNatsConnected: false,
      heard: [1, 2, 3].map((number) => heard(number, { presence: 'lost' })),
      views: [],
    },
    [],
  ],
  [
    'SWIM not looked at for long',
    {
      swim: {
        source: 'admin-socket',
        ageMs: 60_000,
        members: [swim(2, { state: 'down' }), foreign],
        isRecent: false,
      },
    },
    [],
  ],
])('%s', (_, change, kinds) => {
  expect(kindsOf(change)).toEqual(kinds)
})

test('a wiped node has its former actor id, and is not taken for two', () => {
  const change: Partial<MemberSources> = {
    heard: [heard(1), heard(2), heard(3, { actorIds: [actor(3, 1), actor(3)] })],
    rows: [],
    ...withSwim([
      swim(2),
      swim(3, { state: 'down' }),
      swim(3, { actorId: actor(3, 1), address: '10.0.0.3:8788' }),
    ]),
  }

  expect(mergeMembers(sources(change)).members).toHaveLength(3)
  expect(memberOf(change, 'node3')).toMatchObject({
    actor_id: actor(3, 1),
    former_actor_ids: [actor(3)],
    swim: { state: 'alive' },
    is_agreed: true,
  })
})

test('the old actor id in the row is recognised until the row is written anew', () => {
  const change: Partial<MemberSources> = {
    heard: [heard(1), heard(2), heard(3, { actorIds: [actor(3, 1)] })],
    ...withSwim([swim(2), swim(3, { state: 'down' }), swim(3, { actorId: actor(3, 1) })]),
  }

  expect(memberOf(change, 'node3')).toMatchObject({
    actor_id: actor(3, 1),
    former_actor_ids: [actor(3)],
    swim: { state: 'alive' },
  })
})

test('declared addresses are the nodes that announce them, with or without a port', () => {
  const declared = {
    source: 'dns',
    nodes: [
      { nodeId: null, address: '10.0.0.1', region: null },
      { nodeId: null, address: address(2), region: null },
      { nodeId: null, address: 'fd00::3', region: 'fra' },
    ],
  }
  const change: Partial<MemberSources> = {
    declared,
    heard: [heard(1), heard(2), heard(3, { gossip: '[fd00::3]:8787' })],
  }

  expect(mergeMembers(sources(change)).members).toHaveLength(3)
  for (const nodeId of ['node1', 'node2', 'node3']) {
    expect(memberOf(change, nodeId).declared).toEqual({ is_declared: true, source: 'dns' })
  }
})

test('an agent of nobody is a member without a node', () => {
  expect(memberOf(withSwim([...three, foreign]), null)).toMatchObject({
    actor_id: actor(9),
    gossip_address: '10.0.0.9:8787',
    nats: { presence: 'unheard', age_ms: null },
    swim: { state: 'alive' },
    is_agreed: false,
  })
})

test('a node whose agent has never answered is found by its address', () => {
  const change = { heard: [heard(1), heard(2), heard(3, { actorIds: [] })], rows: [] }

  expect(memberOf(change, 'node3')).toMatchObject({
    actor_id: actor(3),
    swim: { state: 'alive', seen_by: { alive: 1, unlisted: 0 } },
  })
})

test('a lost node stays, with the state that its row has come to', () => {
  const change: Partial<MemberSources> = {
    ...withSwim([swim(2), swim(3, { state: 'down' })]),
    heard: [heard(1), heard(2), heard(3, { presence: 'lost' })],
    rows: [{ nodeId: 'node3', actorId: actor(3), region: 'iad', state: 'left' }],
  }

  expect(memberOf(change, 'node3')).toMatchObject({
    state: 'left',
    nats: { presence: 'lost', age_ms: 60_000 },
    swim: { state: 'down' },
  })
})

test('a node that misses canaries, and one that is missed, are both named', () => {
  const change: Partial<MemberSources> = {
    views: [
      view(1, three, [canary(2), canary(3, 'partitioned?')]),
      view(2, [], [canary(1), canary(3, 'partitioned?')]),
    ],
  }

  expect(memberOf(change, 'node3').link).toMatchObject({
    state: 'partitioned?',
    partitioned_from: ['node2'],
  })
  expect(mergeMembers(sources(change)).disagreements[0]?.detail).toBe(
    'canaries of node3 do not reach node1, node2; NATS hears it',
  )
})

test('one address of many is told once for each of them, with the first ten of the others', () => {
  const all = Array.from({ length: 13 }, (_, index) => heard(index + 1, { gossip: address(1) }))

  const shared = mergeMembers(sources({ heard: all })).disagreements.filter(
    ({ kind }) => kind === 'gossip-address-shared',
  )

  expect(shared).toHaveLength(13)
  expect(shared[0]?.detail).toBe(
    'node1 and node10, node11, node12, node13, node2, node3, node4, node5, node6, node7 and 2 ' +
      `more announce the same gossip address ${address(1)}`,
  )
})

test('a partition of many is told with the first ten of them', () => {
  const blind = Array.from({ length: 12 }, (_, index) => 10 + index)
  const views = blind.map((number) => view(number, [], [canary(3, 'partitioned?')]))

  expect(mergeMembers(sources({ views })).disagreements[0]?.detail).toBe(
    'canaries of node3 do not reach node10, node11, node12, node13, node14, node15, node16, ' +
      'node17, node18, node19 and 2 more; NATS hears it',
  )
})
