import type { Directory } from '@corroport/identity'

interface Membership {
  nodeId: string
  declaredNodes: readonly string[]
  directory: Directory
}

/** Declared or announced, this node included. */
export function knownNodeIds({ nodeId, declaredNodes, directory }: Membership): string[] {
  const announced = directory.nodes().map(({ announcement }) => announcement.nodeId)
  return [...new Set([nodeId, ...declaredNodes, ...announced])].toSorted()
}

/** Who should acknowledge a message of this node; those who are away now are among them. */
export function expectedReceivers(
  membership: Membership,
): { nodeId: string; wasPresent: boolean }[] {
  return knownNodeIds(membership)
    .filter((nodeId) => nodeId !== membership.nodeId)
    .map((nodeId) => ({
      nodeId,
      wasPresent: membership.directory.presence(nodeId) === 'present',
    }))
}
