import type { Bus } from '@corroport/bus'
import { MessageId, NodeId, ReceptionsReply, receptionsQueried } from '@corroport/contracts'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { notAnsweredBy } from '../errors.ts'
import type { App } from '../http-server.ts'
import { requireKnown } from '../known-nodes.ts'
import type { Roster } from '../roster.ts'
import { answeredBy, answers } from './responses.ts'

const defaultMin = 1
const defaultLimit = 100

const ReceptionsQuery = Type.Object(
  {
    node: Type.Optional(NodeId),
    pk: Type.Optional(MessageId),
    min: Type.Optional(Type.Integer({ minimum: 1, default: defaultMin })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: defaultLimit })),
  },
  { additionalProperties: false },
)

export interface ReceptionsDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
  roster: Pick<Roster, 'nodeIds'>
}

export function registerReceptions(app: App, { config, bus, roster }: ReceptionsDeps): void {
  const { nodeId } = config
  app.get(
    '/api/receptions',
    {
      config: { access: 'viewer' },
      schema: { querystring: ReceptionsQuery, response: answers(ReceptionsReply) },
    },
    async ({ query }) => {
      const { node = nodeId, pk, min = defaultMin, limit = defaultLimit } = query
      if (node !== nodeId) requireKnown(roster, node)
      const asked = { min, limit, ...(pk === undefined ? {} : { pk }) }
      const { receptions, total } = await bus
        .request(receptionsQueried, { nodeId: node }, asked)
        .catch(notAnsweredBy(`the ack-sender of ${node}`))
      return { receptions, count: receptions.length, total, ...answeredBy(nodeId) }
    },
  )
}
