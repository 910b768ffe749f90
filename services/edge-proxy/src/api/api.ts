import { createHash, timingSafeEqual } from 'node:crypto'
import { EdgeBackend } from '@corroport/contracts'
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyError } from 'fastify'
import type { Logger } from 'pino'
import { type Static, Type } from 'typebox'
import {
  BackendList,
  HealthReply,
  HeartbeatReply,
  RegisterReply,
  RegisterRequest,
  RemoveReply,
} from './answers.ts'

/** What the API of edgeProxy does here. Each throws a `Refusal`, which is answered as it says. */
export interface ApiActions {
  health(): Static<typeof HealthReply>
  list(): EdgeBackend[]
  find(id: string): EdgeBackend | undefined
  register(request: Static<typeof RegisterRequest>): Promise<void>
  heartbeat(id: string): Promise<void>
  remove(id: string): Promise<void>
}

/** Answered as `{"error": detail}` and what `extension` adds. */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly status: number
  readonly extension: Readonly<Record<string, unknown>>

  constructor(status: number, detail: string, extension: Record<string, unknown> = {}) {
    super(detail)
    this.status = status
    this.extension = extension
  }
}

export interface ApiOptions {
  host: string
  port: number
  /** Undefined: whoever reaches it may use it, from this machine only. */
  token: string | undefined
  actions: ApiActions
  log: Logger
}

const bodyLimit = 16_384
const WithId = Type.Object({ id: Type.String() })

/** The registration API of edgeProxy, with its paths, bodies and codes. Resolves when it listens. */
export async function startApi(options: ApiOptions): Promise<AsyncDisposable & { port: number }> {
  const { host, port, token, actions, log } = options
  const app = Fastify({
    bodyLimit,
    forceCloseConnections: 'idle',
    requestTimeout: 10_000,
    routerOptions: { maxParamLength: 512 },
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler)
    .setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.removeContentTypeParser('text/plain')
  // A heartbeat has no body, and many clients name a type for it all the same.
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) => {
    if (text === '') done(null, undefined)
    else void parseJson(request, text.toString(), done)
  })

  app.addHook('onRequest', async (request) => {
    // What a foreign page lets a browser send is not said by whoever runs this.
    const site = request.headers['sec-fetch-site']
    if (request.headers.origin !== undefined || (site !== undefined && site !== 'none')) {
      throw new Refusal(403, 'this is not for pages of a browser')
    }
    if (token === undefined || request.routeOptions.url === '/health') return
    const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given === undefined) {
      throw new Refusal(401, 'authorization: Bearer <token> is needed, see EDGEPROXY_API_TOKEN')
    }
    if (!isSame(given, token)) throw new Refusal(401, 'this is not the token')
  })

  app.setNotFoundHandler((request) => {
    throw new Refusal(404, `there is no ${request.method} ${request.url.split('?')[0]}`)
  })
  app.setErrorHandler<FastifyError | Refusal>((error, request, reply) => {
    const answer = (status: number, detail: string, extension = {}) =>
      reply.code(status).send({ ...extension, error: detail })
    if (error instanceof Refusal) {
      if (error.status === 401) reply.header('www-authenticate', 'Bearer')
      if (error.status === 503) reply.header('retry-after', 1)
      return answer(error.status, error.message, error.extension)
    }
    // A body that is JSON and does not fit is 422, as it was; one that is no JSON is 400.
    if (error.validation) return answer(422, error.message.replace(/^body\/?/, ''))
    const status = error.statusCode ?? 500
    if (status < 500) return answer(status, error.message)
    log.error({ err: error, route: request.routeOptions.url }, 'request failed')
    return answer(500, 'this failed here, see the log')
  })

  app.get('/health', { schema: { response: { 200: HealthReply } } }, () => actions.health())

  app.post(
    '/api/v1/register',
    { schema: { body: RegisterRequest, response: { 201: RegisterReply } } },
    async ({ body }, reply) => {
      await actions.register(body)
      reply.code(201)
      const message = 'Backend registered successfully'
      return { id: body.id, registered: true as const, message }
    },
  )

  app.post(
    '/api/v1/heartbeat/:id',
    { schema: { params: WithId, response: { 200: HeartbeatReply } } },
    async ({ params: { id } }) => {
      await actions.heartbeat(id)
      return { id, status: 'ok' as const }
    },
  )

  app.get('/api/v1/backends', { schema: { response: { 200: BackendList } } }, () => {
    const backends = actions.list()
    return { backends, total: backends.length }
  })

  app.get(
    '/api/v1/backends/:id',
    { schema: { params: WithId, response: { 200: EdgeBackend } } },
    ({ params: { id } }) => {
      const found = actions.find(id)
      if (!found) throw new Refusal(404, 'backend not found')
      return found
    },
  )

  app.delete(
    '/api/v1/backends/:id',
    { schema: { params: WithId, response: { 200: RemoveReply } } },
    async ({ params: { id } }) => {
      await actions.remove(id)
      return { id, deregistered: true as const }
    },
  )

  await app.listen({ host, port })
  const address = app.server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    async [Symbol.asyncDispose]() {
      await app.close()
    },
  }
}

function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(token))
}
