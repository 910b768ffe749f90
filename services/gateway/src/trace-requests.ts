import { inTrace, isRecording, type Span, startSpan } from '@corroport/bus'
import type { FastifyRequest } from 'fastify'
import type { App } from './http-server.ts'

/** What a request sets off is a part of the trace that its header names, or else of one of its own. */
export function traceRequests(app: App): void {
  const spans = new WeakMap<FastifyRequest, Span>()

  // After the body was read: its events belong to the connection, not to what came before them.
  app.addHook('preHandler', (request, _reply, done) => {
    const span = spans.get(request)
    if (span) span.run(done)
    else inTrace(traceparentOf(request), done)
  })

  if (!isRecording()) return
  app.addHook('onRequest', (request, _reply, done) => {
    const { url: route } = request.routeOptions
    const { method } = request
    // Streams last for hours, and probes and files of the console say nothing about the cluster.
    const isOfInterest = route?.startsWith('/api/') === true && !isStream(request)
    const span = startSpan({
      service: 'gateway',
      name: route === undefined ? method : `${method} ${route}`,
      kind: 'server',
      parent: traceparentOf(request),
      isRoot: isOfInterest,
      attributes: {
        'http.request.method': method,
        ...(route !== undefined && { 'http.route': route }),
      },
    })
    if (span) spans.set(request, span)
    done()
  })
  app.addHook('onResponse', (request, { statusCode }, done) => {
    const span = spans.get(request)
    span?.set({ 'http.response.status_code': statusCode })
    end(request, statusCode >= 500 ? `answered ${statusCode}` : undefined)
    done()
  })
  app.addHook('onRequestAbort', (request, done) => {
    end(request, 'the client went away')
    done()
  })

  const end = (request: FastifyRequest, failure: string | undefined): void => {
    spans.get(request)?.end(failure)
    spans.delete(request)
  }
}

function isStream({ headers }: FastifyRequest): boolean {
  return headers.accept?.includes('text/event-stream') === true
}

function traceparentOf({ headers }: FastifyRequest): string | undefined {
  const { traceparent } = headers
  return typeof traceparent === 'string' ? traceparent : undefined
}
