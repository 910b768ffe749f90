import type { Bus } from '@corroport/bus'
import {
  MessageDetailReply,
  MessageId,
  MessagesReply,
  NodeId,
  nowMicroseconds,
  SendReply,
  SendRequest,
  Timestamp,
  toTimestamp,
} from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { ProblemError } from '../errors.ts'
import { findMessage } from '../find-message.ts'
import type { App } from '../http-server.ts'
import { requireKnown } from '../known-nodes.ts'
import { decodePlace, listMessages } from '../list-messages.ts'
import type { Roster } from '../roster.ts'
import { checkContent, type Sender, type Sent } from '../send.ts'
import { readTimeRange } from '../time-range.ts'
import type { Tracker } from '../tracker.ts'
import { answeredBy, answers } from './responses.ts'

export interface MessagesDeps {
  config: Pick<Config, 'nodeId'>
  agent: CorrosionClient
  bus: Bus
  roster: Roster
  tracker: Tracker
  sender: Sender
}

const defaultLimit = 100

const ListQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: defaultLimit })),
    before: Type.Optional(
      Type.String({ maxLength: 400, description: '`next` of the page before' }),
    ),
    node: Type.Optional(NodeId),
    region: Type.Optional(Type.String({ maxLength: 64 })),
    since: Type.Optional(Timestamp),
    until: Type.Optional(Timestamp),
  },
  { additionalProperties: false },
)

export function registerMessages(app: App, deps: MessagesDeps): void {
  const { config, agent, roster, sender } = deps
  const { nodeId } = config

  const reply = (sent: Sent): SendReply => ({
    status: 'success',
    message: {
      pk: sent.messageId,
      timestamp: sent.sentAt,
      node_id: nodeId,
      sequence: sent.sequence,
      transport: sent.transport,
      expected: sent.expected.map((receiver) => receiver.nodeId),
    },
    ...answeredBy(nodeId),
  })

  const sending = {
    config: { access: 'operator' } as const,
    schema: { body: SendRequest, response: answers(SendReply) },
  }

  app.post('/api/messages/send', sending, async ({ body }) => {
    checkContent(body.content)
    return reply(await sender.gossip(body.content))
  })

  app.post('/api/messages/send_direct', sending, ({ body }) => {
    checkContent(body.content)
    return reply(sender.direct(body.content))
  })

  app.get(
    '/api/messages',
    {
      config: { access: 'viewer' },
      schema: { querystring: ListQuery, response: answers(MessagesReply) },
    },
    async ({ query }) => {
      const { limit = defaultLimit, before, node, region } = query
      const { since, until } = readTimeRange(query)
      const place = before === undefined ? undefined : decodePlace(before)
      if (before !== undefined && !place) {
        throw new ProblemError(400, 'before is not the `next` of a page')
      }
      if (node !== undefined) requireKnown(roster, node)
      const page = await listMessages(agent, {
        limit,
        before: place,
        nodeId: node,
        region,
        sinceMs: toMs(since),
        untilMs: toMs(until),
      })
      return { ...page, count: page.messages.length, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/messages/:pk',
    {
      config: { access: 'viewer' },
      schema: { params: Type.Object({ pk: MessageId }), response: answers(MessageDetailReply) },
    },
    async ({ params }) => {
      const { pk } = params
      const detail = await findMessage(deps, pk)
      if (!detail) {
        throw new ProblemError(
          404,
          `no node tracks a message ${pk}: it was never sent or forgotten`,
        )
      }
      return { ...detail, timestamp: toTimestamp(nowMicroseconds()) }
    },
  )
}

/** The first millisecond that is not before the time: messages are told apart by theirs. */
function toMs(microseconds: number | undefined): number | undefined {
  return microseconds === undefined ? undefined : Math.ceil(microseconds / 1000)
}
