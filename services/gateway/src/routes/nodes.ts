import { NodeReply, type NodeSummary, NodesReply } from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import type { Config } from '../config.ts'
import type { App } from '../http-server.ts'
import type { OwnNode } from '../own-node.ts'
import type { Roster } from '../roster.ts'
import { answeredBy, answers } from './responses.ts'

export interface NodesDeps {
  config: Pick<Config, 'nodeId' | 'declaredNodes'>
  directory: Directory
  roster: Roster
  ownNode: Pick<OwnNode, 'describe'>
}

export function registerNodes(app: App, deps: NodesDeps): void {
  const { config, roster, ownNode } = deps

  app.get(
    '/api/node',
    { config: { access: 'viewer' }, schema: { response: answers(NodeReply) } },
    () => ownNode.describe(),
  )

  app.get(
    '/api/nodes',
    { config: { access: 'viewer' }, schema: { response: answers(NodesReply) } },
    () => ({
      nodes: roster.nodeIds().map((id) => summarize(id, deps)),
      ...answeredBy(config.nodeId),
    }),
  )
}

function summarize(id: string, { config, directory }: NodesDeps): NodeSummary {
  const node = directory.get(id)
  const said = node?.announcement
  return {
    node_id: id,
    is_local: id === config.nodeId,
    is_declared: config.declaredNodes.includes(id),
    presence: directory.presence(id),
    announced_at: said?.announcedAt ?? null,
    age_ms: node ? Math.round(node.ageMs()) : null,
    region: said?.region ?? null,
    actor_id: said?.agent.actorId ?? null,
    agent_state: said?.agent.state ?? null,
    agent_kind: said?.agent.kind ?? null,
    agent_version: said?.agent.version ?? null,
    api_endpoint: said?.endpoints.api ?? null,
    peer_endpoint: said?.endpoints.peer ?? null,
    version: said?.version ?? null,
  }
}
