import type { CheckedEdit, Plan } from '@corroport/contracts'
import type { Part } from './text.ts'

/** Who finds whom when all databases are empty: each piece, and in it each list as arrows. */
export function drawBootstrapGraph({ nodes, graph }: Pick<Plan, 'nodes' | 'graph'>): Part[][] {
  const { components, single_points_of_failure: points } = graph
  const isWhole = components.length <= 1
  const edited = new Map(nodes.map((node) => [node.node_id, node]))
  const nameOf = createNames(nodes)
  const pieces = components.flatMap((piece, index): Part[][] => [
    [
      {
        text: isWhole ? 'one piece' : `piece ${index + 1} of ${components.length}`,
        style: isWhole ? 'green' : 'red',
      },
      `: ${piece.join(', ')}`,
    ],
    ...piece.flatMap((nodeId): Part[][] => {
      const node = edited.get(nodeId)
      return node === undefined ? [] : [[`  ${nodeId} ──> ${seedsOf(node, nameOf)}`]]
    }),
  ])
  const unknown = graph.unknown_seeds.map(({ node_id, host }): Part[] => [
    { text: 'unknown seed', style: 'yellow' },
    `: ${host} in the list of ${node_id} is the gossip address of no node`,
  ])
  const weak: Part[] = [
    { text: 'single points of failure', style: points.length > 0 ? 'yellow' : 'dim' },
    `: ${points.join(', ') || 'none'}`,
  ]
  return [...pieces, ...unknown, weak]
}

function seedsOf(node: CheckedEdit, nameOf: (node: CheckedEdit, host: string) => string): string {
  const names = node.bootstrap_after.map((host) => nameOf(node, host))
  return [...new Set(names)].filter((name) => name !== node.node_id).join(', ') || 'nobody'
}

/** The node behind a host of a list; the host itself where it is none of the edited ones. */
function createNames(nodes: readonly CheckedEdit[]): (node: CheckedEdit, host: string) => string {
  const owners = new Map(
    nodes.flatMap(({ node_id, gossip_address_after: address }) =>
      address === null ? [] : [[address, node_id] as const],
    ),
  )
  return ({ resolved }, host) => {
    const found = resolved.find((resolution) => resolution.host === host)
    const names = (found?.addresses ?? [host]).flatMap((address) => owners.get(address) ?? [])
    return names.length > 0 ? [...new Set(names)].join(', ') : host
  }
}
