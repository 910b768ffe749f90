import { Readable } from 'node:stream'
import type { Bus } from '@corroport/bus'
import {
  After,
  AnalyticsHealthReply,
  ExperimentId,
  ExperimentRows,
  ExperimentSummaries,
  ExperimentSummary,
  figuresQueried,
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
import { version } from '@corroport/service'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { askForExperiment, askForList, storedEvents } from '../ask-analytics.ts'
import type { Config } from '../config.ts'
import { silentAnalytics } from '../errors.ts'
import type { App } from '../http-server.ts'
import { exportText, toExport, toExportCsv } from '../original-export.ts'
import {
  type Found,
  toMessageEvent,
  toRow,
  toRowsCsv,
  toSystemMetric,
  toTopology,
} from '../original-shapes.ts'
import { answeredBy, answers, documents } from './responses.ts'

export interface AnalyticsDeps {
  config: Pick<Config, 'nodeId' | 'region'>
  bus: Bus
}

const closed = { additionalProperties: false }
const Params = Type.Object({ id: ExperimentId })
const PageQuery = Type.Object({ after: Type.Optional(After) }, closed)
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
  {
    ids: Type.String({
      pattern: '^ *[a-zA-Z0-9_-]{1,64} *(, *[a-zA-Z0-9_-]{1,64} *){0,99}$',
      description: 'ids of experiments with commas, 100 at most',
    }),
    format,
  },
  closed,
)
const Exported = Type.Unsafe<Readable>({ type: 'object' })
const ListQuery = Type.Object({ before: Type.Optional(Timestamp) }, closed)

/** What the first CorroPort told of experiments, with its fields. */
export function registerAnalytics(app: App, { config, bus }: AnalyticsDeps): void {
  const { nodeId, region } = config

  const find = (id: string): Promise<Found> => askForExperiment(bus, id)
  const figuresOf = async (id: string) =>
    (await bus.request(figuresQueried, {}, { id }).catch(silentAnalytics)).figures
  const metadata = () => ({
    exported_at: now(),
    exporter_version: version,
    node_id: nodeId,
    region,
  })
  const ofExperiment = (id: string) => ({ experiment_id: id, ...answeredBy(nodeId) })

  app.get(
    '/api/analytics/health',
    { config: { access: 'viewer' }, schema: { response: answers(AnalyticsHealthReply) } },
    async () => {
      await askForList(bus, { limit: 1 })
      return { status: 'ok' as const, database: 'ok' as const, region, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/analytics/experiments/list',
    {
      config: { access: 'viewer' },
      schema: { querystring: ListQuery, response: answers(ExperimentSummaries) },
    },
    async ({ query }) => {
      const page = await askForList(bus, { limit: 200, ...query })
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
    {
      config: { access: 'viewer' },
      schema: { querystring: CompareQuery, response: documents(ExperimentRows) },
    },
    async ({ query: { ids, format: wanted } }, reply) => {
      const rows = []
      for (const id of new Set(ids.split(',').map((part) => part.trim())))
        rows.push(toRow(await find(id), await figuresOf(id)))
      if (wanted === 'csv') {
        offerFile(reply, 'text/csv', 'experiment_comparison.csv')
        return toRowsCsv(rows)
      }
      return { metadata: metadata(), experiment_count: rows.length, experiments: rows }
    },
  )

  app.get(
    '/api/analytics/experiments/:id/summary',
    {
      config: { access: 'viewer' },
      schema: { params: Params, response: answers(ExperimentSummary) },
    },
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
    {
      config: { access: 'viewer' },
      schema: { params: Params, querystring: PageQuery, response: answers(TimingReply) },
    },
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
        avg_latency_ms: message.mean_ms,
        median_latency_ms: message.median_ms,
      }))
      return { ...ofExperiment(id), timing_stats, count: timing_stats.length, next }
    },
  )

  app.get(
    '/api/analytics/experiments/:id/metrics',
    {
      config: { access: 'viewer' },
      schema: { params: Params, response: answers(SystemMetricsReply) },
    },
    async ({ params: { id } }) => {
      await find(id)
      const system_metrics: SystemMetric[] = []
      for await (const events of storedEvents(bus, id, 'sample')) {
        system_metrics.push(...events.flatMap((event) => toSystemMetric(event, id) ?? []))
      }
      return { ...ofExperiment(id), system_metrics, count: system_metrics.length }
    },
  )

  app.get(
    '/api/analytics/experiments/:id/events',
    {
      config: { access: 'viewer' },
      schema: { params: Params, querystring: PageQuery, response: answers(MessageEventsReply) },
    },
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
    { config: { access: 'viewer' }, schema: { params: Params, response: answers(TopologyReply) } },
    async ({ params: { id } }) => {
      const { experiment } = await find(id)
      const topology_snapshots = toTopology(experiment)
      return { ...ofExperiment(id), topology_snapshots, count: topology_snapshots.length }
    },
  )

  app.get(
    '/api/analytics/experiments/:id/export',
    {
      config: { access: 'viewer' },
      schema: { params: Params, querystring: ExportQuery, response: documents(Exported) },
    },
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
}

function now(): string {
  return toTimestamp(nowMicroseconds())
}

function countsOf({ sent, acks }: Found['progress']) {
  return { message_count: sent + acks, send_count: sent, ack_count: acks }
}

// Ids of experiments have no quotes.
function offerFile(reply: Pick<FastifyReply, 'header'>, type: string, name: string): void {
  reply.header('content-type', `${type}; charset=utf-8`)
  reply.header('content-disposition', `attachment; filename="${name}"`)
}
