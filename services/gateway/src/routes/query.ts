import type { Bus } from '@corroport/bus'
import {
  analyticsRelationsQueried,
  parameterProblems,
  QueryReply,
  QueryRequest,
  QuerySource,
  queryLimits,
  RelationsReply,
} from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import { Type } from 'typebox'
import { askedBy } from '../access/policy.ts'
import type { Config } from '../config.ts'
import { ProblemError, silentAnalytics } from '../errors.ts'
import type { App } from '../http-server.ts'
import type { Members } from '../members/start-members.ts'
import { readAgentRelations } from '../query/agent-relations.ts'
import { type Answer, compareAnswers, type Queries, type Query } from '../query/queries.ts'
import { toTableCsv } from '../query/query-csv.ts'
import type { Roster } from '../roster.ts'
import { createTurns } from '../turns.ts'
import { answeredBy, answers, documents } from './responses.ts'

export interface QueryDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
  agent: CorrosionClient
  roster: Pick<Roster, 'nodeIds'>
  members: Pick<Members, 'current'>
  queries: Queries
}

// The rows of all nodes, up to 32 MB, lie here until the slowest of them has answered.
export const mostOfSeveralNodes = 4

const RelationsQuery = Type.Object(
  { source: Type.Optional(QuerySource) },
  { additionalProperties: false },
)

/** SQL that only reads, of one node, of all with what differs, or of analytics. */
export function registerQuery(app: App, deps: QueryDeps): void {
  const { config, bus, agent, roster, members, queries } = deps
  const { nodeId } = config

  const nodesOf = (wanted: QueryRequest['nodes']): string[] => {
    if (wanted === undefined) return [nodeId]
    const known = roster.nodeIds()
    if (wanted === 'all') {
      const { members: all } = members.current()
      const left = new Set(all.flatMap((one) => (one.state === 'left' ? one.node_id : [])))
      return known.filter((id) => !left.has(id))
    }
    const unknown = wanted.filter((id) => !known.includes(id))
    if (unknown.length === 0) return [...new Set(wanted)]
    throw new ProblemError(
      422,
      `nodes: there is no node ${unknown.join(', ')}: known are ${known.join(', ')}`,
    )
  }

  const turns = createTurns(mostOfSeveralNodes)
  const askNodes = async (nodeIds: readonly string[], query: Query): Promise<Answer[]> => {
    if (nodeIds.length < 2) return await queries.askNodes(nodeIds, query)
    if (turns.free === 0) {
      throw new ProblemError(
        503,
        `${mostOfSeveralNodes} queries of several nodes run here already: try again later`,
        { retryAfterSeconds: 1 },
      )
    }
    using _turn = await turns.take()
    return await queries.askNodes(nodeIds, query)
  }

  app.post(
    '/api/query',
    {
      config: { access: 'viewer' },
      schema: { body: QueryRequest, response: documents(QueryReply) },
    },
    async (request, reply) => {
      const { body } = request
      const { sql, params = {}, source = 'corrosion', key } = body
      const maxRows = body.max_rows ?? queryLimits.rows.default
      const timeoutMs = body.timeout_ms ?? queryLimits.timeoutMs.default
      if (source === 'analytics' && (body.nodes !== undefined || key !== undefined)) {
        throw new ProblemError(422, 'nodes and key are for the source corrosion')
      }
      refuseProblems(parameterProblems(sql, source, params))

      const nodeIds = source === 'corrosion' ? nodesOf(body.nodes) : []
      const wantsCsv = request.headers.accept?.startsWith('text/csv') === true
      if (wantsCsv && nodeIds.length > 1) {
        throw new ProblemError(406, 'rows of several nodes do not fit into one CSV: ask one')
      }

      const query = { sql, params, by: askedBy(request.principal), maxRows, timeoutMs }
      const asked =
        source === 'analytics'
          ? [await queries.askAnalytics(query)]
          : await askNodes(nodeIds, query)
      throwIfNothingCame(asked)

      const table = asked[0]?.result.table
      if (wantsCsv && table) {
        reply.type('text/csv; charset=utf-8')
        reply.header('content-disposition', 'attachment; filename="query.csv"')
        if (table.cut !== null) reply.header('corroport-cut', table.cut)
        return toTableCsv(table)
      }
      return {
        source,
        results: asked.map(({ result }) => result),
        ...compareAnswers(asked, key),
        limits: { max_rows: maxRows, timeout_ms: timeoutMs },
        ...answeredBy(nodeId),
      }
    },
  )

  app.get(
    '/api/query/relations',
    {
      config: { access: 'viewer' },
      schema: { querystring: RelationsQuery, response: answers(RelationsReply) },
    },
    async ({ query: { source = 'corrosion' } }) => {
      const relations =
        source === 'corrosion'
          ? await readAgentRelations(agent)
          : (await bus.request(analyticsRelationsQueried, {}, {}).catch(silentAnalytics)).relations
      return { source, relations, ...answeredBy(nodeId) }
    },
  )
}

function refuseProblems(problems: readonly string[]): void {
  if (problems.length === 0) return
  const errors = problems.map((message) => ({ path: 'params', message }))
  throw new ProblemError(422, problems.join(', '), { extension: { errors } })
}

/** A statement that everybody refuses is the asker's; several nodes that are away are told one by one. */
function throwIfNothingCame(asked: readonly Answer[]): void {
  const [first] = asked
  const failure = first?.failure
  if (failure === undefined) return
  if (asked.every((answer) => answer.failure?.code === 'invalid')) {
    const errors = [{ path: 'sql', message: failure.message }]
    throw new ProblemError(422, failure.message, { extension: { errors } })
  }
  if (asked.length > 1) return
  const who = first?.result.node_id ?? 'analytics'
  throw new ProblemError(503, `${who}: ${failure.message}`, { retryAfterSeconds: 1 })
}
