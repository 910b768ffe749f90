import type { Bus } from '@corroport/bus'
import {
  type EdgeAnnounced,
  EdgeBackendChange,
  EdgeBackendReply,
  EdgeBackendsReply,
  EdgeDecisionsReply,
  EdgeRemovedReply,
  EdgesReply,
  EdgeWhyReply,
  edgeBackendsQueried,
  edgeBackendWritten,
  edgeDecisionsQueried,
  edgeRouteExplained,
  NodeId,
} from '@corroport/contracts'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { notAnsweredBy, ProblemError } from '../errors.ts'
import type { Heard } from '../heard.ts'
import type { App } from '../http-server.ts'
import { answeredBy, answers, creates } from './responses.ts'

export interface EdgeRoutesDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
  edges: Heard<EdgeAnnounced>
}

const closed = { additionalProperties: false }
const Pop = Type.Object({ id: NodeId })
const OfBackend = Type.Object({ id: Type.String({ minLength: 1, maxLength: 128 }) })
const Name = Type.String({ minLength: 1, maxLength: 128 })
const BackendsQuery = Type.Object(
  {
    app: Type.Optional(Name),
    after: Type.Optional(Name),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  },
  closed,
)
const WhyQuery = Type.Object(
  {
    client: Type.String({ minLength: 2, maxLength: 64 }),
    app: Type.Optional(Name),
    without: Type.Optional(
      Type.String({ maxLength: 4000, description: 'ids of backends, by commas' }),
    ),
  },
  closed,
)
const DecisionsQuery = Type.Object(
  { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 20 })) },
  closed,
)
const WriteQuery = Type.Object(
  { at: Type.Optional(NodeId) },
  { ...closed, description: 'which point of presence writes it; any when absent' },
)

/** Points of presence: what they do, why, and the backends that an operator names. */
export function registerEdge(app: App, { config, bus, edges }: EdgeRoutesDeps): void {
  const self = config.nodeId
  const silence = (nodeId: string) => notAnsweredBy(`the edge proxy of ${nodeId}`)

  app.get(
    '/api/edge',
    { config: { access: 'viewer' }, schema: { response: answers(EdgesReply) } },
    () => ({
      edges: edges.current().map(({ said, ...heard }) => ({ ...said, ...heard })),
      ...answeredBy(self),
    }),
  )

  app.get(
    '/api/edge/:id/backends',
    {
      config: { access: 'viewer' },
      schema: { params: Pop, querystring: BackendsQuery, response: answers(EdgeBackendsReply) },
    },
    async ({ params: { id: nodeId }, query: { limit = 100, ...query } }) => {
      const reply = await bus
        .request(edgeBackendsQueried, { nodeId }, { ...query, limit })
        .catch(silence(nodeId))
      return { ...reply, ...answeredBy(self) }
    },
  )

  app.get(
    '/api/edge/:id/why',
    {
      config: { access: 'viewer' },
      schema: { params: Pop, querystring: WhyQuery, response: answers(EdgeWhyReply) },
    },
    async ({ params: { id: nodeId }, query: { without = '', ...query } }) => {
      const dead = without.split(',').flatMap((id) => id.trim() || [])
      const reply = await bus
        .request(edgeRouteExplained, { nodeId }, { ...query, without: dead })
        .catch(silence(nodeId))
      return { ...reply, ...answeredBy(self) }
    },
  )

  app.get(
    '/api/edge/:id/decisions',
    {
      config: { access: 'viewer' },
      schema: { params: Pop, querystring: DecisionsQuery, response: answers(EdgeDecisionsReply) },
    },
    async ({ params: { id: nodeId }, query: { limit = 20 } }) => {
      const reply = await bus
        .request(edgeDecisionsQueried, { nodeId }, { limit })
        .catch(silence(nodeId))
      return { ...reply, ...answeredBy(self) }
    },
  )

  const write = async (
    id: string,
    how: 'add' | 'change' | 'remove',
    change: Type.Static<typeof EdgeBackendChange>,
    at: string | undefined,
  ) => {
    const nodeId = at ?? edges.anyPresent()
    if (nodeId === undefined) {
      throw new ProblemError(503, 'no edge proxy is heard, which would write the row', {
        retryAfterSeconds: 1,
      })
    }
    return await bus
      .request(edgeBackendWritten, { nodeId }, { id, how, change })
      .catch(silence(nodeId))
  }
  const written = async (...given: Parameters<typeof write>) => {
    const { backend } = await write(...given)
    if (backend === null) throw new Error('a backend that was written is removed')
    return { backend, ...answeredBy(self) }
  }

  app.post(
    '/api/edge/backends/:id',
    {
      config: { access: 'operator' },
      schema: {
        params: OfBackend,
        querystring: WriteQuery,
        body: EdgeBackendChange,
        response: creates(EdgeBackendReply),
      },
    },
    async ({ params: { id }, query: { at }, body }, reply) => {
      const answer = await written(id, 'add', body, at)
      reply.code(201)
      return answer
    },
  )

  app.patch(
    '/api/edge/backends/:id',
    {
      config: { access: 'operator' },
      schema: {
        params: OfBackend,
        querystring: WriteQuery,
        body: EdgeBackendChange,
        response: answers(EdgeBackendReply),
      },
    },
    async ({ params: { id }, query: { at }, body }) => written(id, 'change', body, at),
  )

  app.delete(
    '/api/edge/backends/:id',
    {
      config: { access: 'operator' },
      schema: { params: OfBackend, querystring: WriteQuery, response: answers(EdgeRemovedReply) },
    },
    async ({ params: { id }, query: { at } }) => {
      await write(id, 'remove', {}, at)
      return { id, ...answeredBy(self) }
    },
  )
}
