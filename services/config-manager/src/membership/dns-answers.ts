import { type DeclaredNode, NodeId } from '@corroport/contracts'
import { Value } from 'typebox/value'

/** `10.0.0.2:8787`, `[fd00::2]:8787`. */
export function joinAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * The nodes of TXT records that hold `machine region,machine region`, as Fly gives them for
 * `vms.<app>.internal`. A record comes in pieces of at most 255 bytes, which may end anywhere.
 */
export function nodesInText(records: readonly (readonly string[])[]): {
  nodes: DeclaredNode[]
  malformed: string[]
} {
  const nodes = new Map<string, DeclaredNode>()
  const malformed: string[] = []
  const pairs = records.flatMap((pieces) => pieces.join('').split(','))
  for (const pair of pairs) {
    const [machine, region, ...rest] = pair.trim().split(/\s+/)
    if (!machine) continue
    const nodeId = `${region}-${machine}`
    if (region === undefined || rest.length > 0 || !Value.Check(NodeId, nodeId)) {
      malformed.push(pair)
    } else {
      nodes.set(nodeId, { nodeId, address: null, region })
    }
  }
  const byNodeId = [...nodes].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return { nodes: byNodeId.map(([, node]) => node), malformed }
}
