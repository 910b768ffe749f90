import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { Type } from 'typebox'
import { Value } from 'typebox/value'

/** A span as a collector hears of it, with where it comes from. */
export interface ReceivedSpan {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  /** `gateway@node1`, or `analytics`. */
  by: string
  name: string
  /** Why it failed; undefined where it did not. */
  failure: string | undefined
  links: readonly string[]
}

const Attributes = Type.Array(
  Type.Object({
    key: Type.String(),
    value: Type.Object({ stringValue: Type.Optional(Type.String()) }),
  }),
)
const Exported = Type.Object({
  resourceSpans: Type.Array(
    Type.Object({
      resource: Type.Object({ attributes: Attributes }),
      scopeSpans: Type.Array(
        Type.Object({
          spans: Type.Array(
            Type.Object({
              traceId: Type.String(),
              spanId: Type.String(),
              parentSpanId: Type.Optional(Type.String()),
              name: Type.String(),
              status: Type.Object({
                code: Type.Integer(),
                message: Type.Optional(Type.String()),
              }),
              links: Type.Array(Type.Object({ spanId: Type.String() })),
            }),
          ),
        }),
      ),
    }),
  ),
})

const failed = 2

/** A collector that keeps what it is sent, as JSON over HTTP. */
export async function startOtlpReceiver(): Promise<
  AsyncDisposable & { url: string; spans: readonly ReceivedSpan[] }
> {
  const spans: ReceivedSpan[] = []
  const server = createServer((request, response) => {
    const answer = (status: number): void => void response.writeHead(status).end('{}')
    json(request)
      .then((body) => spans.push(...spansOf(Value.Parse(Exported, body))))
      .then(
        () => answer(200),
        () => answer(400),
      )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function spansOf({ resourceSpans }: Type.Static<typeof Exported>): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const about = new Map(resource.attributes.map(({ key, value }) => [key, value.stringValue]))
    const nodeId = about.get('corroport.node.id')
    const service = about.get('service.name') ?? ''
    const by = nodeId === undefined ? service : `${service}@${nodeId}`
    return scopeSpans
      .flatMap(({ spans }) => spans)
      .map(({ traceId, spanId, parentSpanId, name, status, links }) => ({
        traceId,
        spanId,
        parentSpanId,
        by,
        name,
        failure: status.code === failed ? (status.message ?? 'no reason given') : undefined,
        links: links.map((link) => link.spanId),
      }))
  })
}
