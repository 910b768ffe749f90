import type { Bus } from '@corroport/bus'
import {
  NodeReply,
  type NodeSummary,
  NodesReply,
  nowMicroseconds,
  subscriberStatusQueried,
  toTimestamp,
} from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import { type Health, version } from '@corroport/service'
import type { AgentProbe } from '../agent-probe.ts'
import type { Config } from '../config.ts'
import type { App } from '../http-server.ts'
import type { Roster } from '../roster.ts'
import type { Tracker } from '../tracker.ts'
import { answeredBy, answers } from './responses.ts'

export interface NodesDeps {
  config: Pick<Config, 'nodeId' | 'region' | 'agent' | 'declaredNodes'>
  bus: Bus
  directory: Directory
  roster: Roster
  tracker: Tracker
  probe: AgentProbe
  health: Health
}

export function registerNodes(app: App, deps: NodesDeps): void {
  const { config, bus, roster, tracker, probe, health } = deps
  const { nodeId } = config
  const startedAt = toTimestamp(nowMicroseconds())

  app.get('/api/node', { schema: { response: answers(NodeReply) } }, async () => {
    const subscriptions = await askSubscriber(bus, nodeId)
    const { state, actorId, answeredInMs, error } = probe.status
    return {
      node_id: nodeId,
      region: config.region,
      version,
      started_at: startedAt,
      agent: {
        url: config.agent.url,
        state,
        actor_id: actorId,
        answered_in_ms: answeredInMs,
        error,
      },
      subscriptions,
      tracked_messages: tracker.count,
      checks: health.ready().checks,
      timestamp: toTimestamp(nowMicroseconds()),
    }
  })

  app.get('/api/nodes', { schema: { response: answers(NodesReply) } }, () => ({
    nodes: roster.nodeIds().map((id) => summarize(id, deps)),
    ...answeredBy(nodeId),
  }))
}

async function askSubscriber(bus: Bus, nodeId: string): Promise<NodeReply['subscriptions']> {
  try {
    const { tables } = await bus.request(subscriberStatusQueried, { nodeId }, {})
    return tables.map(({ table, state, since, rows, lastChangeAt }) => ({
      table,
      state,
      since,
      rows,
      last_change_at: lastChangeAt,
    }))
  } catch {
    return null // the contract's word for a subscriber that does not answer
  }
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
    api_endpoint: said?.endpoints.api ?? null,
    peer_endpoint: said?.endpoints.peer ?? null,
    version: said?.version ?? null,
  }
}
