import type { GraphCheck } from '@corroport/contracts'
import { isWildcard, normalAddress } from './hosts.ts'

/** A node's part in the graph of the files. */
export interface GraphNode {
  nodeId: string
  /** What others are told: gossip.external_addr, else gossip.addr. */
  gossipAddress: string | null
  /** Its bootstrap list, each entry with the addresses that it means. */
  seeds: readonly { host: string; addresses: readonly string[] }[]
}

type Neighbours = ReadonlyMap<string, ReadonlySet<string>>

/** What the bootstrap lists of all files make together. */
export function checkGraph(nodes: readonly GraphNode[]): GraphCheck {
  const { seedsOf, unknown } = readSeeds(nodes)
  const neighbours = undirected(seedsOf)
  const components = findComponents(neighbours)
  // What remains beside it; a single node needs nobody.
  const rest = nodes.length - 1
  const single = nodes
    .map(({ nodeId }) => nodeId)
    .filter((nodeId) => {
      if (rest < 2) return false
      const others = findComponents(neighbours, nodeId).length
      return others > components.length || isOnlySeedOfAnother(seedsOf, nodeId)
    })
  return { components, single_points_of_failure: single, unknown_seeds: unknown }
}

/** Why these lists cannot be, and what about them is weak. */
export function judgeGraph(
  nodes: readonly GraphNode[],
  check: GraphCheck,
): { problems: string[]; warnings: string[] } {
  const problems: string[] = []
  const warnings: string[] = []
  const { components, single_points_of_failure: single, unknown_seeds: unknown } = check
  if (components.length > 1) {
    const pieces = components.map((piece) => piece.join(', ')).join(' | ')
    problems.push(
      `the bootstrap lists make ${components.length} clusters that do not find each other: ${pieces}`,
    )
  }
  const { seedsOf, shared } = readSeeds(nodes)
  for (const { address, nodeIds } of shared) {
    problems.push(`${nodeIds.join(' and ')} have the same gossip address, ${address}`)
  }
  for (const { nodeId, seeds } of nodes) {
    const known = seedsOf.get(nodeId) ?? new Set()
    if (nodes.length === 1) break
    if (known.size === 0) {
      const list =
        seeds.length === 0 ? 'is empty' : `has only ${seeds.map(({ host }) => host).join(', ')}`
      problems.push(`${nodeId} names no other node: its bootstrap list ${list}`)
    } else if (known.size === 1 && nodes.length > 2) {
      warnings.push(`${nodeId} has one seed only, ${[...known].join()}`)
    }
  }
  for (const nodeId of single) {
    warnings.push(`without ${nodeId} the others do not all find each other from empty databases`)
  }
  for (const { node_id, host } of unknown) {
    warnings.push(`${node_id} names ${host}, which is no gossip address of a known node`)
  }
  return { problems, warnings }
}

/** The other nodes that each list names. A node's own address in its list is no edge. */
function readSeeds(nodes: readonly GraphNode[]) {
  const owners = new Map<string, string[]>()
  for (const { nodeId, gossipAddress } of nodes) {
    const address = gossipAddress === null ? null : normalAddress(gossipAddress)
    if (address === null || isWildcard(address)) continue
    owners.set(address, [...(owners.get(address) ?? []), nodeId])
  }
  const shared = [...owners]
    .filter(([, nodeIds]) => nodeIds.length > 1)
    .map(([address, nodeIds]) => ({ address, nodeIds }))
  const unknown: GraphCheck['unknown_seeds'] = []
  const seedsOf = new Map<string, Set<string>>()
  for (const { nodeId, seeds } of nodes) {
    const known = new Set<string>()
    for (const { host, addresses } of seeds) {
      const named = addresses.flatMap((address) => owners.get(normalAddress(address) ?? '') ?? [])
      if (named.length === 0) unknown.push({ node_id: nodeId, host })
      for (const seed of named) if (seed !== nodeId) known.add(seed)
    }
    seedsOf.set(nodeId, known)
  }
  return { seedsOf, unknown, shared }
}

function undirected(seedsOf: Neighbours): Neighbours {
  const neighbours = new Map([...seedsOf].map(([nodeId, seeds]) => [nodeId, new Set(seeds)]))
  for (const [nodeId, seeds] of seedsOf) {
    for (const seed of seeds) neighbours.get(seed)?.add(nodeId)
  }
  return neighbours
}

/** In the order of the nodes; `without` is left out, as if it were away. */
function findComponents(neighbours: Neighbours, without?: string): string[][] {
  const seen = new Set(without === undefined ? [] : [without])
  const components: string[][] = []
  for (const start of neighbours.keys()) {
    if (seen.has(start)) continue
    seen.add(start)
    const piece = [start]
    // It grows while it is walked.
    for (const nodeId of piece) {
      for (const next of neighbours.get(nodeId) ?? []) {
        if (seen.has(next)) continue
        seen.add(next)
        piece.push(next)
      }
    }
    components.push(piece.toSorted(byName))
  }
  return components
}

function isOnlySeedOfAnother(seedsOf: Neighbours, nodeId: string): boolean {
  return [...seedsOf.values()].some((seeds) => seeds.size === 1 && seeds.has(nodeId))
}

const byName = new Intl.Collator('en', { numeric: true }).compare
