import { matches } from '@corroport/bus'
import type { FastifyReply } from 'fastify'
import type { Logger } from 'pino'
import { Type } from 'typebox'
import { decodeCursor } from '../cursor.ts'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import type { Live, Reading, Sink } from '../live.ts'
import { eventStream } from './responses.ts'

export interface EventsDeps {
  live: Live
  log: Logger
}

const heartbeatMs = 15_000
// What comes in one burst, with a few large messages in it, must fit.
const maxBufferedBytes = 4 * 1024 * 1024
const maxReaders = 100
// After the notice to a page that reads too slowly; what it has not taken by then is thrown away.
const partingMs = 5000

const EventsQuery = Type.Object(
  {
    subjects: Type.Optional(
      Type.String({ maxLength: 2000, description: 'filters as of NATS, with commas' }),
    ),
    cursor: Type.Optional(Type.String({ maxLength: 600, description: 'as `Last-Event-ID`' })),
  },
  { additionalProperties: false },
)

export function registerEvents(app: App, { live, log }: EventsDeps): void {
  app.addHook('preClose', async () => live.endAll())

  app.get(
    '/api/events',
    {
      schema: {
        querystring: EventsQuery,
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String({ maxLength: 600 })) }),
        response: eventStream,
      },
    },
    async ({ query, headers }, reply) => {
      const wants = subjectFilter(query.subjects)
      // A page that connects again has the newer place in its header.
      const cursor = headers['last-event-id'] || query.cursor
      const from = cursor === undefined ? undefined : decodeCursor(cursor)
      if (cursor !== undefined && !from) {
        throw new ProblemError(400, 'the cursor is not one of this API: begin without it')
      }
      if (live.readers >= maxReaders) {
        throw new ProblemError(503, `${maxReaders} streams are open, close one`)
      }
      const { raw } = reply
      let reading: Reading | undefined
      let heartbeat: NodeJS.Timeout | undefined
      raw.once('close', () => {
        clearInterval(heartbeat)
        reading?.[Symbol.dispose]()
      })
      reading = await live.read({ wants, from, open: () => openSink(reply, log) })
      if (raw.destroyed) {
        reading[Symbol.dispose]()
        return
      }
      reading.beat()
      heartbeat = setInterval(() => reading.beat(), heartbeatMs)
    },
  )
}

function openSink(reply: FastifyReply, log: Logger): Sink {
  const { raw } = reply
  reply.hijack()
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-accel-buffering': 'no',
    connection: 'close',
  })
  raw.write('retry: 1000\n\n')

  const send = (frame: string): void => {
    if (raw.writableEnded || raw.destroyed) return
    if (raw.writableLength <= maxBufferedBytes) {
      raw.write(frame)
      return
    }
    log.info({ bufferedBytes: raw.writableLength }, 'slow reader of live events dropped')
    raw.end('event: dropped\ndata: {"reason":"events came faster than they were read"}\n\n')
    setTimeout(() => raw.destroy(), partingMs).unref()
  }
  return {
    event: (name, cursor, data) =>
      send(`event: ${name}\n${cursor === null ? '' : `id: ${cursor}\n`}data: ${data}\n\n`),
    gap: (stream, reason) => send(`event: gap\ndata: ${JSON.stringify({ stream, reason })}\n\n`),
    // An id alone is no event.
    alive: (cursor) => send(`: alive\nid: ${cursor}\n\n`),
    end: () => void raw.end(),
  }
}

const filterForm = /^[^\s.,]+(\.[^\s.,]+)*$/

function subjectFilter(list: string | undefined): (subject: string) => boolean {
  if (list === undefined || list === '') return () => true
  const filters = list.split(',').map((filter) => filter.trim())
  const malformed = filters.find(
    (filter) => !filterForm.test(filter) || filter.slice(0, -1).includes('>'),
  )
  if (malformed !== undefined) {
    throw new ProblemError(400, `subjects: ${JSON.stringify(malformed)} is not a filter of NATS`)
  }
  return (subject) => filters.some((filter) => matches(filter, subject))
}
