import { randomInt } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Bus } from '@corroport/bus'
import {
  After,
  ComparisonReply,
  ExperimentDeletedReply,
  ExperimentId,
  type ExperimentPlan,
  ExperimentReply,
  ExperimentRequest,
  ExperimentsReply,
  type ExportLine,
  experimentBegun,
  experimentCreated,
  experimentDefaults,
  experimentDeleted,
  experimentEnded,
  experimentImported,
  experimentsCompared,
  FiguresReply,
  figuresQueried,
  ImportReply,
  ImportRequest,
  MessageFiguresReply,
  maxImportPageBytes,
  messagesQueried,
  PairsReply,
  pairsQueried,
  Timestamp,
} from '@corroport/contracts'
import { Type } from 'typebox'
import { askedBy } from '../access/policy.ts'
import { askForExperiment, askForList, storedEvents } from '../ask-analytics.ts'
import type { Config } from '../config.ts'
import { ProblemError, silentAnalytics } from '../errors.ts'
import type { App } from '../http-server.ts'
import type { Roster } from '../roster.ts'
import { answeredBy, answers, creates, lines } from './responses.ts'

export interface ExperimentsDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
  roster: Pick<Roster, 'nodeIds'>
}

const closed = { additionalProperties: false }
const Params = Type.Object({ id: ExperimentId })
const after = Type.Optional(After)
const PageQuery = Type.Object({ after }, closed)
const ListQuery = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
    before: Type.Optional(Timestamp),
  },
  closed,
)
const MessagesQuery = Type.Object(
  { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })), after },
  closed,
)
const Ids = Type.String({
  pattern: '^[a-zA-Z0-9_-]{1,64}(,[a-zA-Z0-9_-]{1,64}){0,99}$',
  description: 'ids of experiments with commas, 100 at most',
})
const CompareQuery = Type.Object(
  {
    ids: Type.Optional(Ids),
    a: Type.Optional(Ids),
    b: Type.Optional(Ids),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 })),
  },
  closed,
)

/** Experiments and their figures, which analytics keeps. */
export function registerExperiments(app: App, { config, bus, roster }: ExperimentsDeps): void {
  const { nodeId } = config

  app.post(
    '/api/experiments',
    {
      config: { access: 'operator' },
      schema: { body: ExperimentRequest, response: creates(ExperimentReply) },
    },
    async ({ body, principal }, reply) => {
      const { id, start = experimentDefaults.start } = body
      const plan = planOf(body, nodeId)
      refuseUnknown(plan.origins, roster.nodeIds())
      const created = await bus
        .request(
          experimentCreated,
          {},
          { ...(id === undefined ? {} : { id }), plan, by: askedBy(principal), start },
        )
        .catch(silentAnalytics)
      reply.code(201)
      return { ...created, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/experiments',
    {
      config: { access: 'viewer' },
      schema: { querystring: ListQuery, response: answers(ExperimentsReply) },
    },
    async ({ query }) => {
      return { ...(await askForList(bus, { limit: 50, ...query })), ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/experiments/:id',
    {
      config: { access: 'viewer' },
      schema: { params: Params, response: answers(ExperimentReply) },
    },
    async ({ params }) => {
      return { ...(await askForExperiment(bus, params.id)), ...answeredBy(nodeId) }
    },
  )

  for (const [verb, command] of [
    ['start', experimentBegun],
    ['stop', experimentEnded],
  ] as const) {
    app.post(
      `/api/experiments/:id/${verb}`,
      {
        config: { access: 'operator' },
        schema: { params: Params, response: answers(ExperimentReply) },
      },
      async ({ params, principal }) => {
        const moved = await bus
          .request(command, {}, { ...params, by: askedBy(principal) })
          .catch(silentAnalytics)
        return { ...moved, ...answeredBy(nodeId) }
      },
    )
  }

  app.delete(
    '/api/experiments/:id',
    {
      config: { access: 'operator' },
      schema: { params: Params, response: answers(ExperimentDeletedReply) },
    },
    async ({ params, principal }) => {
      await bus
        .request(experimentDeleted, {}, { ...params, by: askedBy(principal) })
        .catch(silentAnalytics)
      return { status: 'success' as const, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/experiments/:id/figures',
    { config: { access: 'viewer' }, schema: { params: Params, response: answers(FiguresReply) } },
    async ({ params }) => {
      const reply = await bus.request(figuresQueried, {}, params).catch(silentAnalytics)
      return { ...reply, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/experiments/:id/pairs',
    {
      config: { access: 'viewer' },
      schema: { params: Params, querystring: PageQuery, response: answers(PairsReply) },
    },
    async ({ params, query }) => {
      const page = await bus
        .request(pairsQueried, {}, { ...params, ...query })
        .catch(silentAnalytics)
      return { ...page, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/experiments/:id/messages',
    {
      config: { access: 'viewer' },
      schema: {
        params: Params,
        querystring: MessagesQuery,
        response: answers(MessageFiguresReply),
      },
    },
    async ({ params, query }) => {
      const page = await bus
        .request(messagesQueried, {}, { limit: 200, ...params, ...query })
        .catch(silentAnalytics)
      return { ...page, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/experiments/:id/events',
    { config: { access: 'viewer' }, schema: { params: Params, response: lines } },
    async ({ params: { id } }, reply) => {
      const { experiment } = await askForExperiment(bus, id)
      const text = exportLines(bus, id, { experiment })
      reply.type('application/x-ndjson')
      return Readable.from(text)
    },
  )

  app.post(
    '/api/experiments/import',
    {
      config: { access: 'operator' },
      schema: { body: ImportRequest, response: answers(ImportReply) },
      bodyLimit: maxImportPageBytes,
    },
    async ({ body, principal }) => {
      const { import_id: importId, is_last: isLast, ...rest } = body
      const reply = await bus
        .request(experimentImported, {}, { ...rest, importId, isLast, by: askedBy(principal) })
        .catch(silentAnalytics)
      return { ...reply, ...answeredBy(nodeId) }
    },
  )

  app.get(
    '/api/experiments/compare',
    {
      config: { access: 'viewer' },
      schema: { querystring: CompareQuery, response: answers(ComparisonReply) },
    },
    async ({ query: { seed, ...query } }) => {
      const sides = sidesOf(query)
      const reply = await bus
        .request(experimentsCompared, {}, { ...sides, ...(seed === undefined ? {} : { seed }) })
        .catch(silentAnalytics)
      return { ...reply, ...answeredBy(nodeId) }
    },
  )
}

function planOf(body: ExperimentRequest, nodeId: string): ExperimentPlan {
  const { id: _id, start: _start, transport, ...wanted } = { ...experimentDefaults, ...body }
  const plan: ExperimentPlan = {
    origins: [nodeId],
    seed: randomInt(2 ** 32),
    repeat_of: null,
    ...wanted,
    transports: transport === 'both' ? ['gossip', 'direct'] : [transport],
  }
  if (plan.count > 0 && plan.warmup >= plan.count) {
    throw new ProblemError(
      422,
      `warmup must be less than count, which is ${plan.count}: else nothing is measured`,
    )
  }
  return plan
}

function refuseUnknown(origins: readonly string[], known: readonly string[]): void {
  const unknown = origins.filter((origin) => !known.includes(origin))
  if (unknown.length === 0) return
  throw new ProblemError(
    422,
    `origins: there is no node ${unknown.join(', ')}: known are ${known.join(', ')}`,
  )
}

function sidesOf({ ids, a, b }: { ids?: string; a?: string; b?: string }) {
  if (ids !== undefined && a === undefined && b === undefined) {
    const [first, second, ...more] = ids.split(',')
    if (first !== undefined && second !== undefined && more.length === 0) {
      return { a: [first], b: [second] }
    }
  }
  if (ids === undefined && a !== undefined && b !== undefined) {
    return { a: a.split(','), b: b.split(',') }
  }
  throw new ProblemError(400, 'two sides are compared: ids=a,b, or a=a1,a2 and b=b1,b2')
}

/** One page at a time, as fast as it is read. When analytics is lost there is no end line. */
async function* exportLines(bus: Bus, id: string, head: ExportLine): AsyncGenerator<string> {
  yield toLine(head)
  let count = 0
  for await (const events of storedEvents(bus, id)) {
    count += events.length
    yield events.map(toLine).join('')
  }
  yield toLine({ end: { events: count } })
}

function toLine(line: ExportLine): string {
  return `${JSON.stringify(line)}\n`
}
