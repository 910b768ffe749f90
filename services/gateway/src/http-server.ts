import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifySchemaCompiler,
} from 'fastify'
import type { Logger } from 'pino'
import type { TSchema } from 'typebox'
import { Pointer } from 'typebox/value'
import { limitSockets } from './access/limits.ts'
import { describeFailure, type Failure, ProblemError } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { traceRequests } from './trace-requests.ts'

export type App = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export interface HttpServerOptions {
  bodyLimit: number
  metrics: Metrics
  log: Logger
}

/** What the web API and the peer API have in common: validation, problems, measurement. */
export function createHttpServer({ bodyLimit, metrics, log }: HttpServerOptions): App {
  const app = Fastify({
    bodyLimit,
    // Idle connections are closed at once; what runs is answered first.
    forceCloseConnections: 'idle',
    // Who dribbles a request holds a connection for no longer than this.
    requestTimeout: 10_000,
    http: { headersTimeout: 5000, maxHeaderSize: 16_384, connectionsCheckingInterval: 1000 },
    routerOptions: { maxParamLength: 512 },
    // Of a path that no route can be looked up for.
    frameworkErrors: (error, _request, reply) => {
      sendFailure(reply, describeFailure(error))
    },
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(compileValidator)
    // Replies are typed by their schemas; a serializer made of them would drop or convert silently.
    .setSerializerCompiler(() => (data) => JSON.stringify(data))
  // Bodies are JSON; a form or text of a foreign page must not get further than this.
  app.removeContentTypeParser('text/plain')
  // Many clients name the type of a body that they leave out.
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') done(null, undefined)
    else void parseJson(request, text.toString(), done)
  })

  traceRequests(app)
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

  limitSockets(app.server, () => metrics.socketsRefused.inc())

  app.setNotFoundHandler((request) => {
    const path = request.url.split('?')[0]
    throw new ProblemError(404, `there is no ${request.method} ${path}`)
  })
  app.setErrorHandler((error, request, reply) => {
    const failure = describeFailure(error)
    const { status } = failure
    const about = { err: error, method: request.method, route: request.routeOptions.url, status }
    // That something is away is said once by its own log line and by readiness, not by each request.
    if (status === 500) log.error(about, 'request failed')
    else if (status > 500 && status !== 503) log.warn(about, 'request not answered')
    else log.debug(about, 'request refused')
    return sendFailure(reply, failure)
  })
  return app
}

function sendFailure(
  reply: FastifyReply,
  { status, problem, retryAfterSeconds }: Failure,
): FastifyReply {
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
  return reply
    .code(status)
    .type('application/problem+json')
    .serializer((payload: unknown) => JSON.stringify(payload))
    .send(problem)
}

/** TypeBox says only what was passed: who is refused wants to know both limits, or the right form. */
const compileValidator: FastifySchemaCompiler<TSchema> = (route) => {
  const validate = TypeBoxValidatorCompiler(route)
  return (value) => {
    const result = validate(value)
    if (typeof result !== 'object' || !('error' in result)) return result
    if (!Array.isArray(result.error)) return result
    const error = result.error.map((issue) => {
      if (!['minimum', 'maximum', 'pattern'].includes(issue.keyword)) return issue
      return { ...issue, params: { ...issue.params, ...wantedAt(route.schema, issue.schemaPath) } }
    })
    return { error }
  }
}

function wantedAt(
  schema: TSchema,
  schemaPath: string,
): { minimum?: unknown; maximum?: unknown; description?: unknown } {
  const found: unknown = Pointer.Get(schema, schemaPath.slice(1))
  return typeof found === 'object' && found !== null ? found : {}
}

/** Answers what is under way, then closes. */
export async function closeApp(app: App): Promise<void> {
  const closed = app.close()
  // A connection that becomes idle only now would else be kept for its next request.
  const closing = setInterval(() => app.server.closeIdleConnections(), 20)
  await closed
  clearInterval(closing)
}
