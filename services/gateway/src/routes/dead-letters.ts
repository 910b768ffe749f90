import type { Bus } from '@corroport/bus'
import {
  DeadLetterDeletedReply,
  DeadLetterReply,
  DeadLettersReply,
  RedriveReply,
} from '@corroport/contracts'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import type { App } from '../http-server.ts'
import { listLetters, redrive, showLetter, throwAway } from '../records/dead-letters.ts'
import { createTurns } from '../turns.ts'
import { answeredBy, answers, bodyIsOptional } from './responses.ts'

export interface DeadLettersDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
}

const defaultLimit = 50
// Each holds up to 16 MB of letters for its time; the others wait.
const mostListsAtOnce = 4
const Sequence = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
const Params = Type.Object({ sequence: Sequence })
const DeadQuery = Type.Object(
  {
    before: Type.Optional(Sequence),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: defaultLimit })),
  },
  { additionalProperties: false },
)
const NoBody = Type.Object({}, { additionalProperties: false })

/** What handlers refused for ever. */
export function registerDeadLetters(app: App, { config, bus }: DeadLettersDeps): void {
  const { nodeId } = config
  const turns = createTurns(mostListsAtOnce)

  app.get(
    '/api/dead',
    {
      config: { access: 'viewer' },
      schema: { querystring: DeadQuery, response: answers(DeadLettersReply) },
    },
    async ({ query: { before, limit = defaultLimit } }) => {
      using _turn = await turns.take()
      const { letters, total, next } = await listLetters(bus, { before, limit })
      return { letters, total, next, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/dead/:sequence',
    {
      config: { access: 'viewer' },
      schema: { params: Params, response: answers(DeadLetterReply) },
    },
    async ({ params: { sequence } }) => ({
      letter: await showLetter(bus, sequence),
      ...answeredBy(nodeId),
    }),
  )

  app.post(
    '/api/dead/:sequence/redrive',
    {
      ...bodyIsOptional,
      config: { access: 'operator' },
      schema: { params: Params, body: NoBody, response: answers(RedriveReply) },
    },
    async ({ params: { sequence } }) => {
      const { subject, ...stored } = await redrive(bus, sequence)
      return { status: 'success' as const, subject, stored_as: stored, ...answeredBy(nodeId) }
    },
  )

  app.delete(
    '/api/dead/:sequence',
    {
      config: { access: 'operator' },
      schema: { params: Params, response: answers(DeadLetterDeletedReply) },
    },
    async ({ params: { sequence } }) => {
      await throwAway(bus, sequence)
      return { status: 'success' as const, ...answeredBy(nodeId) }
    },
  )
}
