import { Readable } from 'node:stream'
import type { Bus } from '@corroport/bus'
import {
  AggregationReply,
  AggregationStart,
  AggregationStatusReply,
  AggregationStop,
  AnalyticsHealthReply,
  ExperimentId,
  ExperimentRows,
  ExperimentSummaries,
  ExperimentSummary,
  experimentCreated,
  experimentEnded,
  experimentQueried,
  experimentsListed,
  figuresQueried,
  type MessageEvent,
  MessageEventsReply,
  messagesQueried,
  nowMicroseconds,
  type SystemMetric,
  SystemMetricsReply,
  storedEventsQueried,
  Timestamp,
  TimingReply,
  TopologyReply,
  toTimestamp,
} from '@corroport/contracts'
import type { Directory } from '@corroport/identity'
import { version } from '@corroport/service'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { silentAnalytics } from '../errors.ts'
import type { App } from '../http-server.ts'
import {
  createFlowSummary,
  type Found,
  toExport,
  toExportCsv,
  toMessageEvent,
  toRow,
  toRowsCsv,
  toSystemMetric,
  toTopology,
} from '../original-shapes.ts'
import { storedEvents } from './experiments.ts'
import { by } from './operations.ts'
import { answeredBy, answers, bodyIsOptional, documents } from './responses.ts'

export interface AnalyticsDeps {
  config: Pick<Config, 'nodeId' | 'region'>
  bus: Bus
  directory: Pick<Directory, 'nodes' | 'presence'>
}

const closed = { additionalProperties: false }
const Params = Type.Object({ id: ExperimentId })
const PageQuery = Type.Object({ after: Type.Optional(Type.String({ maxLength: 300 })) }, closed)
// As the original did, whatever is not one of these is taken for JSON, and all but `false` for true.
const format = Type.Optional(Type.String({ maxLength: 20, description: 'json or csv' }))
const ExportQuery = Type.Object(
  {
    format,
    include_raw_events: Type.Optional(Type.String({ maxLength: 20, default: 'true' })),
    include_system_metrics: Type.Optional(Type.String({ maxLength: 20, default: 'true' })),
  },
  closed,
)
const CompareQuery = Type.Object(
  { ids: Type.String({ pattern: '^[a-zA-Z0-9_, -]{1,6500}$' }), format },
  closed,
)
const Exported = Type.Unsafe<Readable>({ type: 'object' })
const ListQuery = Type.Object({ before: Type.Optional(Timestamp) }, closed)

/** Routes of the first CorroPort, with its fields. */
export function registerAnalytics(app: App, { config, bus, directory }: AnalyticsDeps): void {
  const { nodeId, region } = config

  const find = (id: string): Promise<Found> =>
    bus.request(experimentQueried, {}, { id }).catch(silentAnalytics)
  const figuresOf = async (id: string) =>
    (await bus.request(figuresQueried, {}, { id }).catch(silentAnalytics)).figures
  const metadata = () => ({
    exported_at: now(),
    exporter_version: version,
    node_id: nodeId,
    region,
  })
  const ofExperiment = (id: string) => ({ experiment_id: id, ...answeredBy(nodeId) })
  const running = async (): Promise<Found[]> => {
    const { experiments } = await bus
      .request(experimentsListed, {}, { limit: 200 })
      .catch(silentAnalytics)
    return experiments.filter(({ experiment }) => experiment.status === 'running')
  }

  app.get(
    '/api/analytics/health',
    { schema: { response: answers(AnalyticsHealthReply) } },
    async () => {
      await bus.request(experimentsListed, {}, { limit: 1 }).catch(silentAnalytics)
      return { status: 'ok' as const, database: 'ok' as const, region, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/analytics/experiments/list',
    { schema: { querystring: ListQuery, response: answers(ExperimentSummaries) } },
    async ({ query }) => {
      const page = await bus
        .request(experimentsListed, {}, { limit: 200, ...query })
        .catch(silentAnalytics)
      const experiments = page.experiments.map(({ experiment, progress }) => ({
        experiment_id: experiment.id,
        ...countsOf(progress),
        time_range:
          experiment.started_at === null
            ? null
            : { start: experiment.started_at, end: experiment.finished_at },
      }))
      const { length: count } = experiments
      return { status: 'success' as const, experiments, count, next: page.next, timestamp: now() }
    },
  )

  app.get(
    '/api/analytics/experiments/compare',
    { schema: { querystring: CompareQuery, response: documents(ExperimentRows) } },
    async ({ query: { ids, format: wanted } }, reply) => {
      const wantedIds = [...new Set(ids.split(',').map((id) => id.trim()))].filter(
        (id) => id !== '',
      )
      const rows = []
      for (const id of wantedIds) rows.push(toRow(await find(id), await figuresOf(id)))
      if (wanted === 'csv') {
        offerFile(reply, 'text/csv', 'experiment_comparison.csv')
        return toRowsCsv(rows)
      }
      return { metadata: metadata(), experiment_count: rows.length, experiments: rows }
    },
  )

  app.get(
    '/api/analytics/experiments/:id/summary',
    { schema: { params: Params, response: answers(ExperimentSummary) } },
    async ({ params: { id } }) => {
      const { experiment, progress } = await find(id)
      return {
        ...ofExperiment(id),
        topology_snapshots_count: toTopology(experiment).length,
        ...countsOf(progress),
        system_metrics_count: null,
      }
    },
  )

  app.get(
    '/api/analytics/experiments/:id/timing',
    { schema: { params: Params, querystring: PageQuery, response: answers(TimingReply) } },
    async ({ params: { id }, query }) => {
      const { messages, next } = await bus
        .request(messagesQueried, {}, { id, limit: 1000, ...query })
        .catch(silentAnalytics)
      const timing_stats = messages.map((message) => ({
        message_id: message.message_id,
        send_time: message.sent_at,
        ack_count: message.acks,
        min_latency_ms: message.min_ms,
        max_latency_ms: message.max_ms,
        avg_latency_ms: message.mean_ms ?? null,
        median_latency_ms: message.median_ms,
      }))
      return { ...ofExperiment(id), timing_stats, count: timing_stats.length, next }
    },
  )

  app.get(
    '/api/analytics/experiments/:id/metrics',
    { schema: { params: Params, response: answers(SystemMetricsReply) } },
    async ({ params: { id } }) => {
      await find(id)
      const system_metrics: SystemMetric[] = []
      for await (const events of storedEvents(bus, id)) {
        system_metrics.push(...events.flatMap((event) => toSystemMetric(event, id) ?? []))
      }
      return { ...ofExperiment(id), system_metrics, count: system_metrics.length }
    },
  )

  app.get(
    '/api/analytics/experiments/:id/events',
    { schema: { params: Params, querystring: PageQuery, response: answers(MessageEventsReply) } },
    async ({ params: { id }, query }) => {
      const { experiment } = await find(id)
      const { events, next } = await bus
        .request(storedEventsQueried, {}, { id, ...query })
        .catch(silentAnalytics)
      const message_events = events.flatMap((event) => toMessageEvent(event, experiment) ?? [])
      return { ...ofExperiment(id), message_events, count: message_events.length, next }
    },
  )

  app.get(
    '/api/analytics/experiments/:id/topology',
    { schema: { params: Params, response: answers(TopologyReply) } },
    async ({ params: { id } }) => {
      const { experiment } = await find(id)
      const topology_snapshots = toTopology(experiment)
      return { ...ofExperiment(id), topology_snapshots, count: topology_snapshots.length }
    },
  )

  app.get(
    '/api/analytics/experiments/:id/export',
    { schema: { params: Params, querystring: ExportQuery, response: documents(Exported) } },
    async ({ params: { id }, query }, reply) => {
      const found = await find(id)
      const figures = await figuresOf(id)
      if (query.format === 'csv') {
        offerFile(reply, 'text/csv', `experiment_${id}.csv`)
        return toExportCsv(found, figures)
      }
      const text = exportText(bus, found, {
        head: { metadata: metadata(), ...toExport(found, figures) },
        hasEvents: query.include_raw_events !== 'false',
        hasMetrics: query.include_system_metrics !== 'false',
      })
      offerFile(reply, 'application/json', `experiment_${id}.json`)
      return Readable.from(text)
    },
  )

  app.post(
    '/api/analytics/aggregation/start',
    { schema: { body: AggregationStart, response: answers(AggregationReply) } },
    async ({ body }) => {
      const { experiment_id: id, message_count = 0, message_interval_ms = 1000, transport } = body
      const plan = {
        name: id,
        note: '',
        transports: [transport === 'pubsub' ? ('direct' as const) : ('gossip' as const)],
        origins: [nodeId],
        count: message_count,
        interval_ms: message_interval_ms,
        payload_bytes: 64,
        warmup: 0,
        seed: 0,
        repeat_of: null,
      }
      await bus.request(experimentCreated, {}, { id, plan, by, start: true }).catch(silentAnalytics)
      return { ...succeeded(id), node_id: nodeId }
    },
  )

  app.post(
    '/api/analytics/aggregation/stop',
    {
      schema: { body: AggregationStop, response: answers(AggregationReply) },
      ...bodyIsOptional,
    },
    async ({ body }) => {
      const isOwn = ({ experiment: { plan } }: Found): boolean =>
        plan.origins.length === 1 && plan.origins[0] === nodeId
      const id = body.experiment_id ?? (await running()).find(isOwn)?.experiment.id
      if (id !== undefined) {
        await bus.request(experimentEnded, {}, { id, by }).catch(silentAnalytics)
      }
      return { ...succeeded(id ?? null), node_id: nodeId }
    },
  )

  app.get(
    '/api/analytics/aggregation/status',
    { schema: { response: answers(AggregationStatusReply) } },
    async () => {
      const running_experiments = (await running()).map(({ experiment }) => experiment.id)
      const active_nodes = directory
        .nodes()
        .filter(({ announcement }) => directory.presence(announcement.nodeId) === 'present')
        .map(({ announcement }) => ({
          node_id: announcement.nodeId,
          region: announcement.region,
          phoenix_port: portOf(announcement.endpoints.api),
          is_local: announcement.nodeId === nodeId,
        }))
      return {
        status: 'success' as const,
        active_nodes,
        node_count: active_nodes.length,
        local_node_id: nodeId,
        running_experiments,
        timestamp: now(),
      }
    },
  )
}

function now(): string {
  return toTimestamp(nowMicroseconds())
}

function succeeded(experimentId: string | null) {
  const [status, result] = ['success', 'ok'] as const
  return { status, result, experiment_id: experimentId, timestamp: now() }
}

function countsOf({ sent, acks }: Found['progress']) {
  return { message_count: sent + acks, send_count: sent, ack_count: acks }
}

function portOf(endpoint: string | null): number | null {
  const port = /:(\d+)$/.exec(endpoint ?? '')?.[1]
  return port === undefined ? null : Number(port)
}

// Ids of experiments have no quotes.
function offerFile(reply: Pick<FastifyReply, 'header'>, type: string, name: string): void {
  reply.header('content-type', `${type}; charset=utf-8`)
  reply.header('content-disposition', `attachment; filename="${name}"`)
}

/** JSON in pieces: the raw events pass through, however many they are. */
async function* exportText(
  bus: Bus,
  { experiment }: Found,
  wanted: {
    head: ReturnType<typeof toExport> & { metadata: object }
    hasEvents: boolean
    hasMetrics: boolean
  },
): AsyncGenerator<string> {
  const { performance, ...head } = wanted.head
  const summary = createFlowSummary()
  const metrics: SystemMetric[] = []
  yield `${JSON.stringify(head).slice(0, -1)},"raw_events":[`
  let separator = ''
  for await (const events of storedEvents(bus, experiment.id)) {
    const messages = events.flatMap((event) => toMessageEvent(event, experiment) ?? [])
    for (const message of messages) summary.add(message)
    if (wanted.hasMetrics) {
      metrics.push(...events.flatMap((event) => toSystemMetric(event, experiment.id) ?? []))
    }
    if (!wanted.hasEvents || messages.length === 0) continue
    yield separator + messages.map((message: MessageEvent) => JSON.stringify(message)).join(',')
    separator = ','
  }
  const rest = { performance: { ...performance, ...summary.read() }, system_metrics: metrics }
  yield `],${JSON.stringify(rest).slice(1)}`
}
