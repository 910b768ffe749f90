import type { Bus } from '@corroport/bus'
import { MessageId, ReceptionsReply, receptionsQueried } from '@corroport/contracts'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { notAnsweredBy } from '../errors.ts'
import type { App } from '../http-server.ts'
import { answeredBy, answers } from './responses.ts'

const defaultMin = 1
const defaultLimit = 100

const ReceptionsQuery = Type.Object(
  {
    pk: Type.Optional(MessageId),
    min: Type.Optional(Type.Integer({ minimum: 1, default: defaultMin })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: defaultLimit })),
  },
  { additionalProperties: false },
)

export interface ReceptionsDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
}

export function registerReceptions(app: App, { config, bus }: ReceptionsDeps): void {
  const { nodeId } = config
  app.get(
    '/api/receptions',
    { schema: { querystring: ReceptionsQuery, response: answers(ReceptionsReply) } },
    async ({ query }) => {
      const { pk, min = defaultMin, limit = defaultLimit } = query
      const asked = { min, limit, ...(pk === undefined ? {} : { pk }) }
      const { receptions, total } = await bus
        .request(receptionsQueried, { nodeId }, asked)
        .catch(notAnsweredBy(`the ack-sender of ${nodeId}`))
      return { receptions, count: receptions.length, total, ...answeredBy(nodeId) }
    },
  )
}
