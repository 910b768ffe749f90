import type { Bus } from '@corroport/bus'
import {
  AgentInspectionReply,
  agentInspected,
  DiagnosisReply,
  NodeId,
  NodeReply,
  nodeDescribed,
  nodeDiagnosed,
} from '@corroport/contracts'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { notAnsweredBy } from '../errors.ts'
import type { App } from '../http-server.ts'
import { requireKnown } from '../known-nodes.ts'
import type { OwnNode } from '../own-node.ts'
import type { Roster } from '../roster.ts'
import { answeredBy, answers } from './responses.ts'

export interface NodeDetailDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
  roster: Pick<Roster, 'nodeIds'>
  ownNode: OwnNode
}

const Params = Type.Object({ id: NodeId })

/** Any node, through the gateway of any other. */
export function registerNodeDetail(
  app: App,
  { config, bus, roster, ownNode }: NodeDetailDeps,
): void {
  const { nodeId } = config

  app.get(
    '/api/nodes/:id',
    { config: { access: 'viewer' }, schema: { params: Params, response: answers(NodeReply) } },
    async ({ params: { id } }) => {
      if (id === nodeId) return await ownNode.describe()
      requireKnown(roster, id)
      return await bus
        .request(nodeDescribed, { nodeId: id }, {})
        .catch(notAnsweredBy(`the gateway of ${id}`))
    },
  )

  app.get(
    '/api/nodes/:id/diagnose',
    { config: { access: 'viewer' }, schema: { params: Params, response: answers(DiagnosisReply) } },
    async ({ params: { id } }) => {
      if (id === nodeId) return { steps: await ownNode.diagnose(), ...answeredBy(nodeId) }
      requireKnown(roster, id)
      const { steps } = await bus
        .request(nodeDiagnosed, { nodeId: id }, {})
        .catch(notAnsweredBy(`the gateway of ${id}`))
      return { steps, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/nodes/:id/agent',
    {
      config: { access: 'viewer' },
      schema: { params: Params, response: answers(AgentInspectionReply) },
    },
    async ({ params: { id } }) => {
      requireKnown(roster, id)
      const { files, subscriptions, subscriptionsError } = await bus
        .request(agentInspected, { nodeId: id }, {})
        .catch(notAnsweredBy(`config-manager of ${id}`))
      return {
        inspected_node_id: id,
        files,
        subscriptions,
        subscriptions_error: subscriptionsError,
        ...answeredBy(nodeId),
      }
    },
  )
}
