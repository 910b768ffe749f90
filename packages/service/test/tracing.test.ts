import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { until } from '@corroport/testing'
import { expect, test } from '@jest/globals'
import pino from 'pino'
import { startTracing } from '../src/tracing.ts'
import { readTracing } from '../src/tracing-environment.ts'

interface Collector extends AsyncDisposable {
  url: string
  requests: { headers: IncomingMessage['headers']; body: Buffer }[]
  /** How it answers from now on. */
  answer: (response: ServerResponse) => void
}

const taken = (response: ServerResponse): void => void response.end()
const unavailable = (response: ServerResponse): void => void response.writeHead(503).end()

async function startCollector(): Promise<Collector> {
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      collector.requests.push({ headers: request.headers, body })
      collector.answer(response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const collector: Collector = {
    url: `http://127.0.0.1:${port}`,
    requests: [],
    answer: taken,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return collector
}

function start(collector: Collector, environment: Record<string, string> = {}) {
  const lines: string[] = []
  const log = pino({}, { write: (line) => void lines.push(line) })
  const config = readTracing({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '20',
    ...environment,
  })
  if (!config) throw new Error('nobody asks for spans')
  const messages = (): string[] => lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
  return { messages, starting: startTracing(config, { nodeId: 'node1', instanceId: 'node1', log }) }
}

const span = { service: 'gateway', name: 'work' }

test('spans are protobuf over HTTP by default, with the headers that were given', async () => {
  await using collector = await startCollector()
  const { starting } = start(collector, {
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
  })
  await using tracing = await starting

  tracing.record(span).end()

  const { headers, body } = await until(() => collector.requests[0])
  expect(headers).toMatchObject({
    'content-type': 'application/x-protobuf',
    'content-encoding': 'gzip',
    'x-tenant': 'a',
  })
  expect(gunzipSync(body).toString('latin1')).toContain('work')
})

test('a share of the traces is sampled, whole: what belongs to one that is not says so', async () => {
  await using collector = await startCollector()
  const { starting } = start(collector, {
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.1',
  })
  await using tracing = await starting

  const roots = Array.from({ length: 2000 }, () => tracing.record(span).traceparent)
  const sampled = roots.filter((each) => each.endsWith('-01'))
  const children = roots.map((parent) => tracing.record({ ...span, parent }).traceparent)

  expect(sampled.length).toBeGreaterThan(120)
  expect(sampled.length).toBeLessThan(280)
  const about = (each: string): string => each.replace(/-[0-9a-f]{16}-/, ' ')
  expect(children.map(about)).toEqual(roots.map(about))
})

test('a collector that is away is told once, and once that it is back', async () => {
  await using collector = await startCollector()
  collector.answer = unavailable
  const { starting, messages } = start(collector)
  await using tracing = await starting

  tracing.record(span).end()
  await until(() => collector.requests.length >= 2)
  collector.answer = taken
  tracing.record(span).end()
  await until(() => messages().includes('spans are exported again'))

  expect(messages().slice(1)).toEqual([
    'spans are not exported, and dropped when too many wait',
    'spans are exported again',
  ])
})

test('what waits is exported at the end', async () => {
  await using collector = await startCollector()
  const { starting } = start(collector, { OTEL_BSP_SCHEDULE_DELAY: '600000' })
  const tracing = await starting

  tracing.record(span).end()
  await tracing[Symbol.asyncDispose]()

  expect(collector.requests).toHaveLength(1)
})

test('the end waits 2 s for a collector that does not answer, and not at all for one that is away', async () => {
  await using collector = await startCollector()
  collector.answer = () => undefined
  const silent = await start(collector, { OTEL_BSP_SCHEDULE_DELAY: '600000' }).starting
  silent.record(span).end()
  let startedAt = performance.now()
  await silent[Symbol.asyncDispose]()
  expect(performance.now() - startedAt).toBeLessThan(3000)

  collector.answer = unavailable
  const { starting, messages } = start(collector)
  const away = await starting
  away.record(span).end()
  await until(() => messages().length === 2)
  startedAt = performance.now()
  await away[Symbol.asyncDispose]()
  expect(performance.now() - startedAt).toBeLessThan(1000)
})

test('however many spans end while the collector is away, so many wait as are to', async () => {
  await using collector = await startCollector()
  collector.answer = unavailable
  const environment = { OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' }
  const { starting, messages } = start(collector, environment)
  await using tracing = await starting
  tracing.record(span).end()
  await until(() => messages().length === 2)

  for (let index = 0; index < 1000; index += 1) tracing.record(span).end()
  collector.answer = taken
  const before = collector.requests.length
  await until(() => collector.requests.length >= before + 2)

  const texts = collector.requests.slice(before).map(({ body }) => body.toString())
  expect(texts.join('').split('"name":"work"').length - 1).toBeLessThanOrEqual(11)
})
