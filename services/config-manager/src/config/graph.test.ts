import { seededRandom } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import { checkGraph, type GraphNode, judgeGraph } from './graph.ts'

/** `{ 1: [2, 3] }`: node1 names node2 and node3. */
function nodesOf(lists: Record<number, readonly number[]>): GraphNode[] {
  return Object.entries(lists).map(([node, seeds]) => ({
    nodeId: `node${node}`,
    gossipAddress: `10.0.0.${node}:8787`,
    seeds: seeds.map((seed) => ({ host: `seed${seed}`, addresses: [`10.0.0.${seed}:8787`] })),
  }))
}

test('nodes that name each other are one piece without a weak point', () => {
  const nodes = nodesOf({ 1: [2, 3], 2: [1, 3], 3: [1, 2] })

  const check = checkGraph(nodes)

  expect(check).toEqual({
    components: [['node1', 'node2', 'node3']],
    single_points_of_failure: [],
    unknown_seeds: [],
  })
  expect(judgeGraph(nodes, check)).toEqual({ problems: [], warnings: [] })
})

test('a list that splits the cluster is a problem that names the pieces', () => {
  const nodes = nodesOf({ 1: [2], 2: [1], 10: [3], 3: [10] })

  const check = checkGraph(nodes)

  expect(judgeGraph(nodes, check).problems).toEqual([
    'the bootstrap lists make 2 clusters that do not find each other: node1, node2 | node3, node10',
  ])
})

test.each([
  ['is empty', []],
  ['has only seed1', [1]],
  ['has only seed9', [9]],
])('a list that names nobody is a problem: it %s', (list, seeds) => {
  const nodes = nodesOf({ 1: seeds, 2: [1, 3], 3: [1, 2] })

  expect(judgeGraph(nodes, checkGraph(nodes)).problems).toEqual([
    `node1 names no other node: its bootstrap list ${list}`,
  ])
})

test('a single node needs nobody, and the other of two is no weak point', () => {
  const alone = nodesOf({ 1: [] })
  expect(judgeGraph(alone, checkGraph(alone))).toEqual({ problems: [], warnings: [] })

  const two = nodesOf({ 1: [2], 2: [1] })
  expect(judgeGraph(two, checkGraph(two))).toEqual({ problems: [], warnings: [] })
})

test('the middle of a star is a weak point, and so is the only seed of a node', () => {
  const star = nodesOf({ 1: [2, 3], 2: [1], 3: [1] })
  expect(checkGraph(star).single_points_of_failure).toEqual(['node1'])

  // node3 finds back through node2 only as long as node2 looks for it.
  const chain = nodesOf({ 1: [2, 3], 2: [1, 3], 3: [1] })
  const check = checkGraph(chain)
  expect(check.single_points_of_failure).toEqual(['node1'])
  expect(judgeGraph(chain, check).warnings).toEqual([
    'node3 has one seed only, node1',
    'without node1 the others do not all find each other from empty databases',
  ])
})

test('a name with several addresses leads to all of them, in whatever form they are written', () => {
  const nodes: GraphNode[] = [
    {
      nodeId: 'a',
      gossipAddress: '[fdaa::1]:8787',
      seeds: [{ host: 'all', addresses: ['[fdaa:0::2]:8787', '[fdaa::0:3]:8787'] }],
    },
    {
      nodeId: 'b',
      gossipAddress: '[fdaa:0:0::2]:8787',
      seeds: [{ host: 'all', addresses: ['[fdaa::1]:8787'] }],
    },
    {
      nodeId: 'c',
      gossipAddress: '[fdaa::3]:8787',
      seeds: [
        { host: 'lost', addresses: [] },
        { host: 'x:1', addresses: ['[fdaa::9]:1'] },
      ],
    },
    { nodeId: 'd', gossipAddress: '0.0.0.0:8787', seeds: [] },
  ]

  expect(checkGraph(nodes)).toEqual({
    components: [['a', 'b', 'c'], ['d']],
    single_points_of_failure: ['a'],
    unknown_seeds: [
      { node_id: 'c', host: 'lost' },
      { node_id: 'c', host: 'x:1' },
    ],
  })
})

test('two nodes with one gossip address are a problem', () => {
  const nodes = nodesOf({ 1: [2], 2: [1], 3: [1, 2] }).map((node) =>
    node.nodeId === 'node3' ? { ...node, gossipAddress: '10.0.0.1:8787' } : node,
  )

  expect(judgeGraph(nodes, checkGraph(nodes)).problems).toContain(
    'node1 and node3 have the same gossip address, 10.0.0.1:8787',
  )
})

test('pieces and weak points are those that a search through all pairs finds', () => {
  const seed = Number(process.env.CORROPORT_SEED ?? 20_260_115)
  const random = seededRandom(seed)
  for (let round = 0; round < 500; round += 1) {
    const count = 1 + Math.floor(random() * 8)
    const density = random()
    const all = Array.from({ length: count }, (_, index) => index + 1)
    const lists = Object.fromEntries(
      all.map((node) => [node, all.filter(() => random() < density / 2)]),
    )
    const name = (node: number): string => `node${node}`

    const { components, single_points_of_failure } = checkGraph(nodesOf(lists))

    const shown = `seed ${seed}, round ${round}: ${JSON.stringify(lists)}`
    const pieces = partition(all, lists)
    expect([shown, components]).toEqual([shown, pieces.map((piece) => piece.map(name))])
    const weak = all.filter((node) => {
      const rest = all.filter((other) => other !== node)
      const loses = rest.some((other) => {
        const seeds = (lists[other] ?? []).filter((each) => each !== other)
        return seeds.length > 0 && seeds.every((each) => each === node)
      })
      return rest.length > 1 && (loses || partition(rest, lists).length > pieces.length)
    })
    expect([shown, single_points_of_failure]).toEqual([shown, weak.map(name)])
  }
})

/** Floyd and Warshall: who reaches whom, by trying every detour. */
function partition(nodes: readonly number[], lists: Record<number, readonly number[]>): number[][] {
  const joined = (a: number, b: number): boolean =>
    a === b || (lists[a] ?? []).includes(b) || (lists[b] ?? []).includes(a)
  const reach = new Map(nodes.map((a) => [a, new Set(nodes.filter((b) => joined(a, b)))]))
  for (const via of nodes) {
    for (const from of nodes) {
      if (!reach.get(from)?.has(via)) continue
      for (const to of reach.get(via) ?? []) reach.get(from)?.add(to)
    }
  }
  const pieces = new Map(
    nodes.map((node) => [Math.min(...(reach.get(node) ?? [])), reach.get(node)]),
  )
  return [...pieces.values()].map((piece) => [...(piece ?? [])].toSorted((a, b) => a - b))
}
