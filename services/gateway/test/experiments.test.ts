import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RefusalError } from '@corroport/bus'
import {
  type CommandDefinition,
  clocksQueried,
  experimentBegun,
  experimentCreated,
  experimentDeleted,
  experimentEnded,
  experimentImported,
  experimentQueried,
  experimentsCompared,
  experimentsListed,
  figuresQueried,
  ledgerQueried,
  messagesQueried,
  pairsQueried,
  propagationQueried,
  type StoredEvent,
  storedEventsQueried,
} from '@corroport/contracts'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Static, TSchema } from 'typebox'
import { registerAnalytics } from '../src/routes/analytics.ts'
import { registerExperiments } from '../src/routes/experiments.ts'
import { registerMeasurements } from '../src/routes/measurements.ts'
import { announcementOf, newPeer, routesOfFile } from './harness.ts'

const announcement = announcementOf(newPeer('node2'))
const routes = routesOfFile((app, { bus, config }) => {
  registerExperiments(app, { bus, config, roster: { nodeIds: () => ['node1', 'node2'] } })
  registerMeasurements(app, { bus, config })
  registerAnalytics(app, {
    bus,
    config: { ...config, region: 'fra' },
    directory: {
      nodes: () => [{ announcement, actorIds: [], ageMs: () => 10 }],
      presence: () => 'present',
    },
  })
})

type Command<Q extends TSchema, R extends TSchema> = CommandDefinition<string, Q, R>

/** What the catalogue shows of a command. */
function exampleOf<Q extends TSchema, R extends TSchema>(command: Command<Q, R>): Static<R> {
  const name = command.template.split('.').at(-1)
  const folder = join(import.meta.dirname, '../../../packages/contracts/fixtures')
  const text = readFileSync(join(folder, `command-analytics-${name}.json`), 'utf8')
  return command.parseReply(JSON.parse(text).reply)
}

function fixtureOf(name: string): unknown {
  const folder = join(import.meta.dirname, '../../../packages/contracts/fixtures')
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
}

const asked: { command: string; request: unknown }[] = []
const stack = new AsyncDisposableStack()
afterAll(() => stack.disposeAsync())

function answer<Q extends TSchema, R extends TSchema>(
  command: Command<Q, R>,
  reply: (request: Static<Q>) => Static<R>,
): void {
  stack.use(
    routes.bus.respond(command, {}, (request) => {
      asked.push({ command: command.template, request })
      return reply(request)
    }),
  )
}

const stored: StoredEvent[] = [
  { kind: 'sent', event: fixtureOf('message-sent') },
  { kind: 'acked', event: fixtureOf('ack-received') },
  { kind: 'sample', event: fixtureOf('node-sampled') },
]

function known<T>(id: string, reply: T): T {
  if (id === 'unknown') throw new RefusalError('not-found', 'there is no experiment unknown')
  return reply
}

beforeAll(() => {
  answer(experimentCreated, () => exampleOf(experimentCreated))
  answer(experimentBegun, () => exampleOf(experimentBegun))
  answer(experimentEnded, () => exampleOf(experimentEnded))
  answer(experimentDeleted, () => ({}))
  answer(experimentsListed, () => exampleOf(experimentsListed))
  answer(experimentQueried, ({ id }) => known(id, exampleOf(experimentQueried)))
  answer(figuresQueried, ({ id }) => known(id, exampleOf(figuresQueried)))
  answer(pairsQueried, () => exampleOf(pairsQueried))
  answer(messagesQueried, () => exampleOf(messagesQueried))
  answer(storedEventsQueried, ({ after = '0' }) => {
    const next = Number(after) + 1
    return { events: stored.slice(next - 1, next), next: next < 3 ? String(next) : null }
  })
  answer(experimentImported, ({ events }) => ({ stored: events.length, experiment: null }))
  answer(experimentsCompared, () => exampleOf(experimentsCompared))
  answer(clocksQueried, () => exampleOf(clocksQueried))
  answer(propagationQueried, () => exampleOf(propagationQueried))
  answer(ledgerQueried, () => exampleOf(ledgerQueried))
})

test('an experiment is created with what is not said filled in', async () => {
  const answered = await routes.post('/api/experiments', {
    name: 'a',
    transport: 'both',
    seed: 3,
    start: false,
  })

  expect(answered.json()).toMatchObject({
    experiment: exampleOf(experimentCreated).experiment,
    node_id: 'node1',
  })
  expect(answered.statusCode).toBe(201)
  expect(asked.at(-1)?.request).toEqual({
    plan: {
      name: 'a',
      note: '',
      transports: ['gossip', 'direct'],
      origins: ['node1'],
      count: 200,
      interval_ms: 100,
      payload_bytes: 64,
      warmup: 0,
      seed: 3,
      repeat_of: null,
    },
    by: 'operator',
    start: false,
  })
})

test.each([
  [{}, 400, 'name is missing'],
  [{ name: 'a', count: -1 }, 400, 'count must be from 0 to 1000000'],
  [{ name: 'a', count: 1.5 }, 400, 'count must be a whole number'],
  [{ name: 'a', interval_ms: 0 }, 400, 'interval_ms must be from 1 to 3600000'],
  [{ name: 'a', payload_bytes: 65_537 }, 400, 'payload_bytes must be from 1 to 65536'],
  [{ name: 'a', id: 'a/b' }, 400, 'id is malformed'],
  [{ name: 'a', id: 'x'.repeat(300) }, 400, 'id is malformed'],
  [{ name: 'a', id: 'compare' }, 422, 'compare is no id'],
  [{ name: 'a', transport: 'pigeon' }, 400, 'transport is not one of the allowed values'],
  [{ name: 'a', origins: ['node1', 'node9'] }, 422, 'no node node9: known are node1, node2'],
  [{ name: 'a', count: 10, warmup: 10 }, 422, 'warmup must be less than count, which is 10'],
  [{ name: 'a', speed: 1 }, 400, 'speed is not known'],
])('the plan %j is refused with %i: %s', async (body, status, detail) => {
  const before = asked.length

  const answered = await routes.post('/api/experiments', body)

  expect(answered.json().detail).toContain(detail)
  expect(answered.statusCode).toBe(status)
  expect(asked).toHaveLength(before)
})

test.each([
  ['GET', '/api/experiments?limit=5', { limit: 5 }],
  ['GET', '/api/experiments/e1', { id: 'e1' }],
  ['POST', '/api/experiments/e1/start', { id: 'e1', by: 'operator' }],
  ['POST', '/api/experiments/e1/stop', { id: 'e1', by: 'operator' }],
  ['DELETE', '/api/experiments/e1', { id: 'e1', by: 'operator' }],
  ['GET', '/api/experiments/e1/figures', { id: 'e1' }],
  ['GET', '/api/experiments/e1/pairs?after=x', { id: 'e1', after: 'x' }],
  ['GET', '/api/experiments/e1/messages?limit=7', { id: 'e1', limit: 7 }],
  ['GET', '/api/experiments/compare?ids=a,b', { a: ['a'], b: ['b'] }],
  ['GET', '/api/experiments/compare?a=a,b&b=c&seed=2', { a: ['a', 'b'], b: ['c'], seed: 2 }],
  ['GET', '/api/clocks?node=node2&hours=2', { nodeId: 'node2', sinceHours: 2 }],
  ['GET', '/api/propagation?table=t', { table: 't', sinceHours: 24 }],
  ['GET', '/api/analytics/ledger', {}],
  ['GET', '/api/analytics/health', { limit: 1 }],
] as const)('%s %s is asked of analytics as %j', async (method, url, request) => {
  const answered = await routes.inject({ method, url })

  expect(answered.json()).toMatchObject({ node_id: 'node1' })
  expect(answered.statusCode).toBe(200)
  expect(asked.at(-1)?.request).toEqual(request)
})

test.each(['ids=a', 'ids=a,b,c', 'a=a', 'ids=a,b&a=c', ''])(
  'a comparison of %j has not two sides',
  async (query) => {
    const answered = await routes.get(`/api/experiments/compare?${query}`)

    expect(answered.statusCode).toBe(400)
    expect(answered.json().detail).toContain('two sides are compared')
  },
)

test.each(['', '/summary', '/metrics', '/events', '/topology', '/export'])(
  'what is not there is 404: …%s',
  async (rest) => {
    const answered = await routes.get(
      `/api/${rest === '' ? '' : 'analytics/'}experiments/unknown${rest}`,
    )

    expect(answered.statusCode).toBe(404)
    expect(answered.json().detail).toBe('there is no experiment unknown')
  },
)

test('raw records come page after page, with the experiment first and an end last', async () => {
  const answered = await routes.get('/api/experiments/e1/events')

  expect(answered.headers['content-type']).toBe('application/x-ndjson')
  const lines = answered.body
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines).toEqual([
    { experiment: exampleOf(experimentQueried).experiment },
    ...stored,
    { end: { events: 3 } },
  ])
})

test('a page of an import is handed on', async () => {
  const page = { page: 0, is_last: true, events: stored }
  const answered = await routes.post('/api/experiments/import', {
    import_id: '01KF0HNNTV9V8R7D2M5XNCJ4AT',
    ...page,
  })

  expect(answered.json()).toMatchObject({ stored: 3, node_id: 'node1' })
  expect(asked.at(-1)?.request).toMatchObject({ page: 0, isLast: true, events: stored })
  const malformed = await routes.post('/api/experiments/import', { import_id: '../../x', ...page })
  expect(malformed.statusCode).toBe(400)
  const huge = await routes.post('/api/experiments/import', { padding: 'x'.repeat(1_000_000) })
  expect(huge.statusCode).toBe(413)
})

test('the original export has its own shape, with the times and the transport it left out', async () => {
  const answered = await routes.get('/api/analytics/experiments/gossip-baseline/export')

  expect(answered.headers['content-disposition']).toBe(
    'attachment; filename="experiment_gossip-baseline.json"',
  )
  const body = answered.json()
  expect(body).toMatchObject({
    metadata: { node_id: 'node1', region: 'fra' },
    experiment: { id: 'gossip-baseline', success_rate: 100, transport: 'both', interval_ms: 100 },
    topology: { node_count: 1, region_count: 1 },
    performance: {
      latency: { min_ms: 3.128, sample_count: 380 },
      latency_histogram: { total_count: 380 },
      message_flows: [{ messages_sent: 1, total_acks_received: 1, avg_acks_per_message: 1 }],
    },
  })
  expect(body.system_metrics).toHaveLength(1)
  expect(body.raw_events).toMatchObject([
    { event_type: 'sent', target_node: null, receipt_timestamp: null },
    { event_type: 'acked', target_node: 'node2', receipt_timestamp: expect.any(String) },
  ])
  const less = await routes.get(
    '/api/analytics/experiments/gossip-baseline/export?include_raw_events=false&include_system_metrics=false',
  )
  expect(less.json()).toMatchObject({ raw_events: [], system_metrics: [] })
})

test('exports and comparisons are CSV where that is asked', async () => {
  const one = await routes.get('/api/analytics/experiments/e1/export?format=csv')
  const rows = await routes.get('/api/analytics/experiments/compare?ids=e1,%20e2&format=csv')

  expect(one.headers['content-type']).toBe('text/csv; charset=utf-8')
  expect(one.body).toContain('section,experiment\r\nid,gossip-baseline\r\n')
  expect(one.body).toContain('median_ms,5.214\r\n')
  expect(rows.body.split('\r\n')).toHaveLength(4)
})

test('the other routes of the original have its fields', async () => {
  const get = async (path: string) => (await routes.get(`/api/analytics/${path}`)).json()

  expect(await get('experiments/list')).toMatchObject({
    status: 'success',
    count: 1,
    experiments: [{ experiment_id: 'gossip-baseline', message_count: 1200, send_count: 400 }],
  })
  expect(await get('experiments/e1/summary')).toMatchObject({
    experiment_id: 'e1',
    topology_snapshots_count: 1,
    message_count: 1200,
    ack_count: 800,
  })
  expect(await get('experiments/e1/timing')).toMatchObject({ timing_stats: expect.any(Array) })
  expect(await get('experiments/e1/metrics')).toMatchObject({ count: 1 })
  expect(await get('experiments/e1/events')).toMatchObject({ count: 1, next: '1' })
  expect(await get('experiments/e1/topology')).toMatchObject({
    topology_snapshots: [{ node_id: 'node1', transaction_size_bytes: 64 }],
  })
  expect(await get('aggregation/status')).toMatchObject({
    active_nodes: [{ node_id: 'node2', region: 'iad', phoenix_port: 4002, is_local: false }],
    node_count: 1,
  })
  const started = await routes.post('/api/analytics/aggregation/start', { experiment_id: 'e1' })
  expect(started.json()).toMatchObject({ status: 'success', result: 'ok', experiment_id: 'e1' })
  expect(asked.at(-1)?.request).toMatchObject({ plan: { count: 0, transports: ['gossip'] } })
  const idle = await routes.post('/api/analytics/aggregation/stop')
  expect(idle.json()).toMatchObject({ result: 'ok', experiment_id: null })
})
