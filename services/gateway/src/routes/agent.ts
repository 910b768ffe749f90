import type { Bus } from '@corroport/bus'
import {
  agentRestartRequested,
  nowMicroseconds,
  OperationReply,
  RestartRequest,
  toTimestamp,
} from '@corroport/contracts'
import type { Config } from '../config.ts'
import { notAnsweredBy } from '../errors.ts'
import type { App } from '../http-server.ts'
import { answers } from './responses.ts'

export interface AgentDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
}

export function registerAgent(app: App, { config, bus }: AgentDeps): void {
  const { 200: begun, ...problems } = answers(OperationReply)

  app.post(
    '/api/node/restart',
    {
      schema: { body: RestartRequest, response: { 202: begun, ...problems } },
      preValidation: async (request) => {
        request.body ??= {}
      },
    },
    async ({ body }, reply) => {
      const { node_id: nodeId = config.nodeId, reason = 'asked for by an operator' } = body
      const { operation } = await bus
        .request(agentRestartRequested, { nodeId }, { by: 'operator', reason })
        .catch(notAnsweredBy(`config-manager of ${nodeId}`))
      reply.code(202)
      return { operation, node_id: config.nodeId, timestamp: toTimestamp(nowMicroseconds()) }
    },
  )
}
