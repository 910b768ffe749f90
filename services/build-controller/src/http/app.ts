import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Health } from '@corroport/service'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance } from 'fastify'
import type { Pool } from 'pg'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { Storage } from '../files/storage.ts'
import type { Leases } from '../leases.ts'
import type { LiveLogs } from '../live-logs.ts'
import type { Metrics } from '../metrics.ts'
import type { NewBuilds } from '../new-builds.ts'
import { Refusal } from '../refusal.ts'
import { isAway } from '../store/database.ts'
import type { WaitingRoom } from '../waiting-room.ts'
import type { Access } from './access.ts'
import { auditRequests } from './audit.ts'
import { diagnosticRoutes } from './diagnostic-routes.ts'
import type { Doors } from './doors.ts'
import { keyRoutes } from './key-routes.ts'
import { limitFailures } from './limit-failures.ts'
import { pageRoutes } from './page-routes.ts'
import { submitRoutes } from './submit.ts'
import { submitterRoutes } from './submitter-routes.ts'
import { systemRoutes } from './system-routes.ts'
import { vmRoutes } from './vm-routes.ts'
import { workerRoutes } from './worker-routes.ts'

export type App = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface AppDeps {
  config: Config
  pool: Pool
  storage: Storage
  access: Access
  may: Doors
  waitingRoom: WaitingRoom
  leases: Leases
  liveLogs: LiveLogs
  metrics: Metrics
  newBuilds: NewBuilds
  health: Health
  /** Which of several this is. */
  controllerId: string
  log: Logger
  /** From then on no poll waits. */
  stopping: AbortSignal
}

// Of a body that is JSON; logs come in batches of 50 lines.
const bodyLimit = 1_048_576

/** The API of the original controller under `/api` and `/api/v2`. */
export function createApp(deps: AppDeps): App {
  const { metrics, log } = deps
  const app = Fastify({
    bodyLimit,
    forceCloseConnections: 'idle',
    // A gigabyte over a slow line takes its time; who sends nothing is cut off by the socket's timeout.
    requestTimeout: 0,
    connectionTimeout: 120_000,
    http: { headersTimeout: 5000, maxHeaderSize: 16_384, connectionsCheckingInterval: 1000 },
    routerOptions: { maxParamLength: 128 },
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler)
    .setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.removeContentTypeParser('text/plain')
  // The command line cancels with the type of a body and without one.
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') done(null, undefined)
    else void parseJson(request, text.toString(), done)
  })
  // Read by the route, after it has seen who sends it.
  app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null))

  limitFailures(app)
  app.addHook('onRoute', ({ method, url, onRequest }) => {
    if (!onRequest) throw new Error(`${String(method)} ${url} does not say whom it lets in`)
  })
  app.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff')
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
  })
  app.addHook('onResponse', async (request, reply) => {
    metrics.requests.observe(
      {
        route: request.routeOptions.url ?? 'none',
        method: request.method,
        status: reply.statusCode,
      },
      reply.elapsedTime / 1000,
    )
  })
  auditRequests(app, deps)
  app.setNotFoundHandler(() => {
    throw new Refusal(404, 'Not Found')
  })
  app.setErrorHandler<FastifyError | Refusal>((error, request, reply) => {
    // Both shapes that clients look for.
    const answer = (status: number, detail: string, extension = {}) => {
      // Nothing more is read of what was refused.
      if (!request.raw.complete) reply.header('connection', 'close')
      return reply.code(status).send({ ...extension, error: detail, errors: { detail } })
    }
    if (error instanceof Refusal) {
      if (error.status === 503) reply.header('retry-after', 5)
      return answer(error.status, error.message, error.extension)
    }
    if (error.validation) return answer(400, error.message)
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return answer(error.statusCode, error.message)
    }
    if (isAway(error)) {
      log.debug({ err: error, route: request.routeOptions.url }, 'request not answered')
      reply.header('retry-after', 1)
      return answer(503, 'the database is away, try again')
    }
    log.error({ err: error, route: request.routeOptions.url }, 'request failed')
    return answer(500, 'Internal Server Error')
  })

  for (const prefix of ['/api', '/api/v2']) {
    submitRoutes(app, prefix, deps)
    submitterRoutes(app, prefix, deps)
    vmRoutes(app, prefix, deps)
    workerRoutes(app, prefix, deps)
  }
  keyRoutes(app, deps)
  diagnosticRoutes(app, deps)
  systemRoutes(app, deps)
  pageRoutes(app, deps)
  return app
}
