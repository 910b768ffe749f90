import type { NodeViewed } from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import type { Standing } from './transitions.ts'

/** How the agents stand that SWIM knows, by the nodes they belong to. */
export function swimStandings(
  members: NodeViewed['swim']['members'],
  directory: Pick<Directory, 'nodes'>,
): Standing[] {
  const nodes = directory.nodes()
  return members.map(({ actorId, address, state }) => {
    const owner =
      nodes.find(({ actorIds }) => actorIds.includes(actorId)) ??
      nodes.find(({ announcement }) => announcement.endpoints.gossip === address)
    return {
      plane: 'swim',
      key: actorId,
      memberNodeId: owner?.announcement.nodeId ?? null,
      memberActorId: actorId,
      address,
      value: state,
    }
  })
}

/** How a node stands that was ever heard; its agent only while it is heard. */
export function natsStandings(
  nodeId: string,
  directory: Pick<Directory, 'get' | 'presence'>,
): Standing[] {
  const node = directory.get(nodeId)
  if (!node) return []
  const { endpoints, agent } = node.announcement
  const member = {
    key: nodeId,
    memberNodeId: nodeId,
    memberActorId: node.actorIds[0] ?? null,
    address: endpoints.gossip,
  }
  const presence = directory.presence(nodeId)
  const standing: Standing = { plane: 'nats', ...member, value: presence }
  return presence === 'present'
    ? [standing, { plane: 'agent', ...member, value: agent.state }]
    : [standing]
}
