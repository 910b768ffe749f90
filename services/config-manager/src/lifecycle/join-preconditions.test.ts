import { RefusalError } from '@corroport/bus'
import type { NodeRowSeen, NodeViewed } from '@corroport/contracts'
import type { Directory, Views } from '@corroport/identity'
import { expect, test } from '@jest/globals'
import {
  agreementProblems,
  type JoinFacts,
  nodesOfSeeds,
  requireJoinable,
  type SeedAnswer,
} from './join-preconditions.ts'

const actor = (letter: string) => letter.repeat(32)
const ownKey = 'A'.repeat(43)

function holdings(change: Partial<NodeRowSeen> = {}): NodeRowSeen {
  return {
    seen: false,
    state: null,
    publicKey: null,
    actorId: actor('a'),
    clusterId: 0,
    schema: { node_configs: 'one', node_messages: 'two' },
    held: {},
    clock: '2026-01-15T10:00:00.000000Z',
    ...change,
  }
}

function answer(change: Partial<SeedAnswer> = {}): SeedAnswer {
  const said = holdings({ actorId: actor('b') })
  return { seed: 'b:8788', nodeId: 'node2', said, clockAheadMs: 0, ...change }
}

function facts(change: Partial<JoinFacts> = {}): JoinFacts {
  return {
    nodeId: 'node1',
    seeds: ['b:8788'],
    publicKey: ownKey,
    checked: { problems: [], warnings: [], resolved: [] },
    own: [],
    unknown: [],
    answers: [answer()],
    holdings: holdings(),
    isNameOwn: false,
    views: viewsOf({}),
    ...change,
  }
}

/** Living members by the node that sees them. */
function viewsOf(alive: Record<string, string[]>, ageMs = 0): Views {
  const get = (nodeId: string) => {
    const actorIds = alive[nodeId]
    if (!actorIds) return undefined
    const members = actorIds.map((actorId) => ({ actorId, state: 'alive' }))
    return { view: { swim: { members } } as unknown as NodeViewed, ageMs: () => ageMs }
  }
  return { get, all: () => [], [Symbol.asyncDispose]: () => Promise.resolve() }
}

function refusalOf(wanted: JoinFacts): RefusalError {
  try {
    requireJoinable(wanted)
  } catch (error) {
    if (error instanceof RefusalError) return error
    throw error
  }
  throw new Error('it was not refused')
}

test('nothing speaks against a seed that agrees', () => {
  expect(requireJoinable(facts())).toEqual([])
})

test('all that is wrong is told at once, and the worst decides the kind', () => {
  const refusal = refusalOf(
    facts({
      seeds: ['x y', 'gone.example:1', 'b:8788'],
      checked: {
        problems: ['"x y" is no host'],
        warnings: [],
        resolved: [{ host: 'gone.example:1', addresses: [], error: 'ENOTFOUND' }],
      },
      answers: [answer({ clockAheadMs: -12_000 })],
      holdings: holdings({ clusterId: 7, schema: { node_configs: 'other', extra: 'x' } }),
    }),
  )

  expect(refusal.code).toBe('invalid')
  expect(refusal.problems).toEqual([
    '"x y" is no host',
    'gone.example:1: ENOTFOUND',
    'the table extra is missing on node2',
    'the table node_configs has other columns on node2',
    'the table node_messages of node2 is missing here',
    'node2 has cluster id 0, this node 7',
    'the clock of node2 is at least 12000 ms behind',
  ])
})

test('a node alone among its seeds is invalid, seeds that are dead are unavailable', () => {
  expect(refusalOf(facts({ own: ['a:8787'], answers: [] })).code).toBe('invalid')
  expect(refusalOf(facts({ answers: [answer({ said: null })] }))).toMatchObject({
    code: 'unavailable',
    problems: ['b:8788: node2 does not answer'],
  })
})

test('one dead seed beside a living one, and one that nobody announces, are only remarked', () => {
  const answers = [answer({ seed: 'c:1', nodeId: 'node3', said: null }), answer()]

  expect(requireJoinable(facts({ answers, unknown: ['d:1'] }))).toEqual([
    'd:1 is announced by nobody: whether its UDP port answers cannot be asked',
    'c:1: node3 does not answer',
  ])
})

test.each([
  [299, []],
  [350, ['the clock of node2 is at least 350 ms ahead']],
  [-9999, ['the clock of node2 is at least 9999 ms behind']],
])('a clock that is %i ms ahead is remarked as %j', (clockAheadMs, remarks) => {
  expect(requireJoinable(facts({ answers: [answer({ clockAheadMs })] }))).toEqual(remarks)
})

test('a name that others know of another key is taken, unless this node had it before', () => {
  const answers = [answer({ said: holdings({ publicKey: 'B'.repeat(43) }) })]

  expect(refusalOf(facts({ answers })).problems).toEqual([
    'node2 knows another node by the id node1',
  ])
  expect(requireJoinable(facts({ answers, isNameOwn: true }))).toEqual([])
})

test('members that the seeds have nothing to do with are another cluster', () => {
  const apart = { node1: [actor('c')], node2: [actor('d')] }
  expect(refusalOf(facts({ views: viewsOf(apart) }))).toMatchObject({
    code: 'conflict',
    problems: ['this node is a member of another cluster, with 1 others: leave that one first'],
  })

  const common = { node1: [actor('c')], node2: [actor('c'), actor('d')] }
  expect(requireJoinable(facts({ views: viewsOf(common) }))).toEqual([])
  expect(requireJoinable(facts({ views: viewsOf({ ...apart, node1: [actor('b')] }) }))).toEqual([])
  expect(requireJoinable(facts({ views: viewsOf(apart, 60_000) }))).toEqual([])
})

test('agents that agree have no problems, whatever the order of their tables', () => {
  const theirs = holdings({ schema: { node_messages: 'two', node_configs: 'one' } })

  expect(agreementProblems('node2', theirs, holdings())).toEqual([])
})

test('seeds are nodes by the addresses that they announce', () => {
  const announced = [
    ['node1', '10.0.0.1:8787'],
    ['node2', '10.0.0.2:8787'],
  ]
  const directory = {
    nodes: () =>
      announced.map(([nodeId, gossip]) => ({ announcement: { nodeId, endpoints: { gossip } } })),
  } as unknown as Directory
  const resolved = [
    { host: 'one:8787', addresses: ['10.0.0.1:8787'], error: null },
    { host: 'all:8787', addresses: ['10.0.0.1:8787', '10.0.0.2:8787'], error: null },
    { host: 'far:8787', addresses: ['10.9.9.9:8787'], error: null },
  ]

  const seeds = ['one:8787', 'all:8787', 'far:8787', '10.0.0.2:8787']

  expect(nodesOfSeeds({ seeds, resolved, directory, nodeId: 'node1' })).toEqual({
    known: [
      { seed: 'all:8787', nodeId: 'node2' },
      { seed: '10.0.0.2:8787', nodeId: 'node2' },
    ],
    own: ['one:8787'],
    unknown: ['far:8787'],
  })
})
