// One request, seen by whoever collects spans: one tree over two nodes.
import { randomBytes } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import type { MessageDetail, SendReply } from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { type Cluster, startCluster } from '@corroport/local'
import { createTemporaryFolder, until } from '@corroport/testing'
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals'
import { type ReceivedSpan, startOtlpReceiver } from './otlp-receiver.ts'

jest.setTimeout(60_000)

const home = createTemporaryFolder()
let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>
let cluster: Cluster

beforeAll(async () => {
  receiver = await startOtlpReceiver()
  cluster = await startCluster({
    home: home.path,
    nodes: 2,
    portOffset: 'free',
    isProcessPerService: true,
    analytics: true,
    environment: {
      ...process.env,
      DATABASE_URL: undefined,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      // What has no decision yet is left out: only what the requests below say is recorded.
      OTEL_TRACES_SAMPLER: 'parentbased_always_off',
    },
  })
  await cluster.ready()
  // An origin asks a node that it does not know yet to acknowledge again: a failed span.
  const { pk } = await send('00')
  await until(async () => {
    const response = await fetch(`${cluster.node(1).apiUrl}/api/messages/${pk}`)
    return ((await response.json()) as MessageDetail).acks.length === 1
  })
}, 120_000)

afterAll(async () => {
  await cluster.kill()
  await receiver[Symbol.asyncDispose]()
  rmSync(cluster.layout.postgresFolder, { recursive: true, force: true })
  home[Symbol.dispose]()
})

interface Asked {
  traceId: string
  spanId: string
  pk: string
}

/** Sends a message as the page does, in a trace that is recorded or not. */
async function send(flags: '00' | '01'): Promise<Asked> {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
  const response = await fetch(`${cluster.node(1).apiUrl}/api/messages/send`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      traceparent: `00-${traceId}-${spanId}-${flags}`,
    },
    body: JSON.stringify({ content: 'traced' }),
  })
  const { message } = (await response.json()) as SendReply
  return { traceId, spanId, pk: message.pk }
}

const stored = ['sent', 'outcome', 'sighting', 'receipt', 'delivery', 'ack']
const told = {
  'gateway@node1': ['message.sent', 'message.accepted', 'ack.received'],
  'subscriber@node1': ['change.observed'],
  'subscriber@node2': ['change.observed'],
  'ack-sender@node2': ['message.received', 'ack.sent'],
}
const wanted = [
  'gateway@node1: POST /api/messages/send',
  'gateway@node1: send message',
  'gateway@node1: write row',
  'subscriber@node1: observe node_messages',
  'subscriber@node2: observe node_messages',
  'ack-sender@node1: handle corro.change.observed.{nodeId}',
  'ack-sender@node2: handle corro.change.observed.{nodeId}',
  'ack-sender@node2: POST /api/acknowledge',
  'gateway@node1: POST /api/acknowledge',
  ...Object.entries(told).flatMap(([by, events]) =>
    events.map((event) => `${by}: publish corro.${event}`),
  ),
  ...stored.map((table) => `analytics: INSERT ${table}`),
]
const label = ({ by, name }: ReceivedSpan): string => `${by}: ${name}`

/** Its spans, when all have come that are wanted, and those that they are parts of. */
async function treeOf({ traceId, spanId }: Asked): Promise<ReceivedSpan[]> {
  return await until(() => {
    const spans = receiver.spans.filter((span) => span.traceId === traceId)
    const ids = new Set([spanId, ...spans.map((span) => span.spanId)])
    const labels = new Set(spans.map(label))
    const isWhole = spans.every(({ parentSpanId = '' }) => ids.has(parentSpanId))
    return isWhole && wanted.every((each) => labels.has(each)) && spans
  })
}

test('a request of the page is one tree with spans of two nodes and of Postgres', async () => {
  const asked = await send('01')

  const spans = await treeOf(asked)

  const byId = new Map(spans.map((span) => [span.spanId, span]))
  const wayTo = (span: ReceivedSpan): string[] => {
    const parent = byId.get(span.parentSpanId ?? '')
    return [...(parent ? wayTo(parent) : []), label(span)]
  }
  const [acknowledged] = spans.filter(({ name }) => name === 'INSERT ack')
  expect(acknowledged && wayTo(acknowledged)).toEqual([
    'gateway@node1: POST /api/messages/send',
    'gateway@node1: send message',
    'subscriber@node2: observe node_messages',
    'subscriber@node2: publish corro.change.observed',
    'ack-sender@node2: handle corro.change.observed.{nodeId}',
    'ack-sender@node2: POST /api/acknowledge',
    'gateway@node1: POST /api/acknowledge',
    'gateway@node1: publish corro.ack.received',
    'analytics: INSERT ack',
  ])
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === asked.spanId)
  expect(roots.map(label)).toEqual(['gateway@node1: POST /api/messages/send'])
  expect(spans.flatMap(({ failure }) => failure ?? [])).toEqual([])
})

test('the statements that stored a record are in its tree, and its span is linked to them', async () => {
  const asked = await send('01')

  const spans = await treeOf(asked)

  const batches = spans.filter(({ name }) => name === 'store batch of RECORDS')
  const statements = spans.filter(({ parentSpanId }) =>
    batches.some(({ spanId }) => spanId === parentSpanId),
  )
  expect(statements.map(label)).toContain('analytics: INSERT')
  const batchIds = new Set(batches.map(({ spanId }) => spanId))
  const [share] = spans.filter(({ name }) => name === 'INSERT ack')
  expect(share?.links.filter((id) => batchIds.has(id))).toHaveLength(1)
})

test('a trace that is not recorded has no spans, and its ids still reach the other node', async () => {
  const silent = await send('00')
  const unasked = await fetch(`${cluster.node(1).apiUrl}/api/messages`)
  expect(unasked.status).toBe(200)

  // Everything that was told before has been handled when this has.
  await treeOf(await send('01'))

  expect(receiver.spans.filter(({ traceId }) => traceId === silent.traceId)).toEqual([])
  expect(receiver.spans.filter(({ name }) => name === 'GET /api/messages')).toEqual([])
  await using client = createCorrosionClient({ url: cluster.node(2).agentUrl })
  const { rows } = await client.query([
    'SELECT traceparent FROM node_messages WHERE pk = ?',
    [silent.pk],
  ])
  expect(rows).toEqual([[`00-${silent.traceId}-${silent.spanId}-00`]])
})

test('lines of the log name the trace that they belong to, where it is recorded', async () => {
  const recorded = await send('01')
  const silent = await send('00')

  const lines = readFileSync(cluster.layout.log('node1-gateway'), 'utf8').trim().split('\n')
  const [ofRecorded, ofSilent] = [recorded, silent].map(({ pk }) => {
    const line = lines.find((each) => each.includes(pk)) ?? '{}'
    return JSON.parse(line) as { traceId?: string; spanId?: string }
  })
  expect(ofRecorded?.traceId).toBe(recorded.traceId)
  expect(ofRecorded?.spanId).toMatch(/^[0-9a-f]{16}$/)
  expect(ofSilent).not.toHaveProperty('traceId')
})
