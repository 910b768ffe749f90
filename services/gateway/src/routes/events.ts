import type { Logger } from 'pino'
import { Type } from 'typebox'
import { isStillAllowed } from '../access/policy.ts'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import { decodeCursor } from '../live/cursor.ts'
import type { Live } from '../live/live.ts'
import { openSink } from '../live/sink.ts'
import { readWants } from '../live/wants.ts'
import { eventStream } from './responses.ts'

export interface EventsDeps {
  live: Live
  log: Logger
}

const maxReaders = 500
const maxReadersOfToken = 50

const EventsQuery = Type.Object(
  {
    topics: Type.Optional(
      Type.String({ maxLength: 200, description: 'groups of subjects, with commas' }),
    ),
    subjects: Type.Optional(
      Type.String({ maxLength: 2000, description: 'filters as of NATS, with commas' }),
    ),
    cursor: Type.Optional(Type.String({ maxLength: 600, description: 'as `Last-Event-ID`' })),
    rate: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 10_000,
        description: 'events a second; those above it are counted',
      }),
    ),
    status: Type.Optional(
      Type.Boolean({ default: false, description: 'the status of the cluster each second' }),
    ),
  },
  { additionalProperties: false },
)

export function registerEvents(app: App, { live, log }: EventsDeps): void {
  const readersOf = new Map<string, number>()
  app.addHook('preClose', async () => live.endAll())

  app.get(
    '/api/events',
    {
      config: { access: 'viewer' },
      // The answer to a HEAD would never end.
      exposeHeadRoute: false,
      schema: {
        querystring: EventsQuery,
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ maxLength: 600 })) }),
        response: eventStream,
      },
    },
    async (request, reply) => {
      const { query, headers } = request
      const wants = readWants(query)
      // A page that connects again has the newer place in its header.
      const cursor = headers['last-event-id'] || query.cursor
      const from = cursor === undefined ? undefined : decodeCursor(cursor)
      if (cursor !== undefined && !from) {
        throw new ProblemError(400, 'the cursor is not one of this API: begin without it')
      }
      if (live.readers >= maxReaders) throw tooMany(`${maxReaders} streams are open`)
      const tokenId = request.principal?.tokenId ?? null
      const open = tokenId === null ? 0 : (readersOf.get(tokenId) ?? 0)
      if (open >= maxReadersOfToken) throw tooMany(`${open} streams of this token are open`)

      const { raw } = reply
      reply.hijack()
      if (raw.destroyed) return
      // A page that is cut off makes room at once, though what it was told may still be on its way. That
      // may happen while it is let in, by all that is kept at once: it leaves what it has entered.
      const leaving = new DisposableStack()
      const leave = (): void => queueMicrotask(() => leaving.dispose())
      raw.once('close', leave)
      if (tokenId !== null) {
        readersOf.set(tokenId, open + 1)
        leaving.defer(() => forget(readersOf, tokenId))
      }
      leaving.use(
        live.read({
          wants,
          from,
          rate: query.rate,
          wantsStatus: query.status ?? false,
          isStillAllowed: () => isStillAllowed(request),
          sink: openSink(raw, log, leave),
        }),
      )
    },
  )
}

function forget(readersOf: Map<string, number>, tokenId: string): void {
  const left = (readersOf.get(tokenId) ?? 1) - 1
  if (left > 0) readersOf.set(tokenId, left)
  else readersOf.delete(tokenId)
}

function tooMany(what: string): ProblemError {
  return new ProblemError(503, `${what}, close one`, { retryAfterSeconds: 5 })
}
