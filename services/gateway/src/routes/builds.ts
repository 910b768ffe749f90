import type { Bus } from '@corroport/bus'
import {
  type BuildControllerAnnounced,
  BuildControllersReply,
  BuildLogReply,
  BuildReply,
  BuildStatus,
  BuildSteeredReply,
  BuildsReply,
  BuildThroughputReply,
  BuildWorkerSteeredReply,
  BuildWorkersReply,
  buildLogQueried,
  buildQueried,
  buildSteered,
  buildsQueried,
  buildThroughputQueried,
  buildWorkerSteered,
  buildWorkersQueried,
} from '@corroport/contracts'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { notAnsweredBy, ProblemError } from '../errors.ts'
import type { Heard } from '../heard.ts'
import type { App } from '../http-server.ts'
import { answeredBy, answers } from './responses.ts'

export interface BuildRoutesDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
  buildControllers: Heard<BuildControllerAnnounced>
}

const closed = { additionalProperties: false }
const Id = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })
const WithId = Type.Object({ id: Id })
const BuildsQuery = Type.Object(
  {
    status: Type.Optional(BuildStatus),
    platform: Type.Optional(Type.Enum(['ios', 'android'])),
    worker: Type.Optional(Id),
    after: Type.Optional(Type.Union([Id], { description: 'id of the last one known' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 100 })),
  },
  closed,
)
const LogQuery = Type.Object(
  {
    after: Type.Optional(
      Type.Integer({ minimum: 0, default: 0, description: 'number of the last line known' }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 2000, default: 1000 })),
  },
  closed,
)
const ThroughputQuery = Type.Object(
  { hours: Type.Optional(Type.Integer({ minimum: 1, maximum: 168, default: 24 })) },
  closed,
)
const silent = notAnsweredBy(
  'a build controller',
  ': is one started, with NATS_URL, and its database there?',
)

/** The queue of builds, as any of its controllers tells it. Files come from a controller itself. */
export function registerBuilds(app: App, { config, bus, buildControllers }: BuildRoutesDeps): void {
  const self = config.nodeId
  const view = { config: { access: 'viewer' as const } }
  const steer = { config: { access: 'operator' as const } }

  app.get(
    '/api/builds/controllers',
    { ...view, schema: { response: answers(BuildControllersReply) } },
    () => ({
      controllers: buildControllers.current().map(({ said, ...heard }) => ({ ...said, ...heard })),
      ...answeredBy(self),
    }),
  )

  app.get(
    '/api/builds',
    { ...view, schema: { querystring: BuildsQuery, response: answers(BuildsReply) } },
    async ({ query: { worker, limit = 100, ...query } }) => {
      const filter = { ...query, ...(worker !== undefined && { workerId: worker }), limit }
      const reply = await bus.request(buildsQueried, {}, filter).catch(silent)
      return { ...reply, ...answeredBy(self) }
    },
  )

  app.get(
    '/api/builds/workers',
    { ...view, schema: { response: answers(BuildWorkersReply) } },
    async () => {
      const reply = await bus.request(buildWorkersQueried, {}, { limit: 1000 }).catch(silent)
      return { ...reply, ...answeredBy(self) }
    },
  )

  app.get(
    '/api/builds/throughput',
    { ...view, schema: { querystring: ThroughputQuery, response: answers(BuildThroughputReply) } },
    async ({ query: { hours = 24 } }) => {
      const reply = await bus.request(buildThroughputQueried, {}, { hours }).catch(silent)
      return { ...reply, ...answeredBy(self) }
    },
  )

  app.get(
    '/api/builds/:id',
    { ...view, schema: { params: WithId, response: answers(BuildReply) } },
    async ({ params: { id } }) => {
      const reply = await bus.request(buildQueried, {}, { id }).catch(silent)
      if (reply.build === null) throw new ProblemError(404, `there is no build ${id}`)
      return { ...reply, ...answeredBy(self) }
    },
  )

  app.get(
    '/api/builds/:id/log',
    {
      ...view,
      schema: { params: WithId, querystring: LogQuery, response: answers(BuildLogReply) },
    },
    async ({ params: { id }, query: { after = 0, limit = 1000 } }) => {
      const reply = await bus.request(buildLogQueried, {}, { id, after, limit }).catch(silent)
      if (reply.status === null) throw new ProblemError(404, `there is no build ${id}`)
      return { ...reply, ...answeredBy(self) }
    },
  )

  for (const to of ['cancel', 'retry'] as const) {
    app.post(
      `/api/builds/:id/${to}`,
      { ...steer, schema: { params: WithId, response: answers(BuildSteeredReply) } },
      async ({ params: { id } }) => {
        const reply = await bus.request(buildSteered, {}, { id, to }).catch(silent)
        return { ...reply, ...answeredBy(self) }
      },
    )
  }

  for (const [path, to] of [
    ['drain', 'draining'],
    ['resume', 'here'],
  ] as const) {
    app.post(
      `/api/builds/workers/:id/${path}`,
      { ...steer, schema: { params: WithId, response: answers(BuildWorkerSteeredReply) } },
      async ({ params: { id } }) => {
        const reply = await bus.request(buildWorkerSteered, {}, { id, to }).catch(silent)
        return { ...reply, ...answeredBy(self) }
      },
    )
  }
}
