import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifySchemaCompiler,
} from 'fastify'
import type { Logger } from 'pino'
import type { TSchema } from 'typebox'
import { Pointer } from 'typebox/value'
import { describeFailure, ProblemError } from './errors.ts'
import type { Metrics } from './metrics.ts'

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
    requestTimeout: 10_000,
    routerOptions: { maxParamLength: 512 },
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(compileValidator)
    // Replies are typed by their schemas; a serializer made of them would drop or convert silently.
    .setSerializerCompiler(() => (data) => JSON.stringify(data))
  // Bodies are JSON; a form or text of a foreign page must not get further than this.
  app.removeContentTypeParser('text/plain')

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

  app.setNotFoundHandler((request) => {
    const path = request.url.split('?')[0]
    throw new ProblemError(404, `there is no ${request.method} ${path}`)
  })
  app.setErrorHandler((error, request, reply) => {
    const { status, problem, retryAfterSeconds } = describeFailure(error)
    const about = { err: error, method: request.method, route: request.routeOptions.url, status }
    // That something is away is said once by its own log line and by readiness, not by each request.
    if (status === 500) log.error(about, 'request failed')
    else if (status > 500 && status !== 503) log.warn(about, 'request not answered')
    else log.debug(about, 'request refused')
    if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
    return reply
      .code(status)
      .type('application/problem+json')
      .serializer((payload: unknown) => JSON.stringify(payload))
      .send(problem)
  })
  return app
}

/** TypeBox says only which limit was passed; who is refused wants to know both. */
const compileValidator: FastifySchemaCompiler<TSchema> = (route) => {
  const validate = TypeBoxValidatorCompiler(route)
  return (value) => {
    const result = validate(value)
    if (typeof result !== 'object' || !('error' in result)) return result
    if (!Array.isArray(result.error)) return result
    const error = result.error.map((issue) => {
      if (issue.keyword !== 'minimum' && issue.keyword !== 'maximum') return issue
      return { ...issue, params: { ...issue.params, ...limitsOf(route.schema, issue.schemaPath) } }
    })
    return { error }
  }
}

function limitsOf(schema: TSchema, schemaPath: string): { minimum?: unknown; maximum?: unknown } {
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
