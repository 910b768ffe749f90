import { type Bus, CommandError, messageOf, type RefusalCode, RefusalError } from '@corroport/bus'
import {
  analyticsTablesQueried,
  nodeQueried,
  type QueryComparison,
  type QueryParameters,
  type QueryResult,
  queryLimits,
} from '@corroport/contracts'
import { requireOneRead, StatementRefusedError } from '@corroport/corrosion-client'
import type { Directory } from '@corroport/identity'
import type { AgentQuery } from './agent-query.ts'
import { compareTables, IncomparableError } from './compare-tables.ts'

export interface Query {
  sql: string
  params: QueryParameters
  by: string
  maxRows: number
  timeoutMs: number
}

/** `failure` is beside the `error` that it stands for. */
export interface Answer {
  result: QueryResult
  failure: { code: RefusalCode; message: string } | undefined
}

/** One statement asked of agents, or of analytics. What cannot answer is named, never thrown. */
export interface Queries {
  askNodes(nodeIds: readonly string[], query: Query): Promise<Answer[]>
  askAnalytics(query: Query): Promise<Answer>
}

export interface QueriesDeps {
  config: { nodeId: string }
  bus: Bus
  directory: Directory
  queryAgent: AgentQuery
}

const nodesAtOnce = 64
// What an answer takes beside the query itself; a gateway that hangs is given up after it.
const graceMs = 1000

export function createQueries({ config, bus, directory, queryAgent }: QueriesDeps): Queries {
  const askNode = async (nodeId: string, query: Query, maxBytes: number) => {
    const request = { ...query, maxBytes }
    if (nodeId === config.nodeId) return await queryAgent(request)
    if (!bus.isConnected) {
      throw new RefusalError('unavailable', 'NATS is away, over which other nodes are asked')
    }
    if (directory.presence(nodeId) !== 'present') {
      const ageMs = directory.get(nodeId)?.ageMs()
      const since = ageMs === undefined ? '' : ` for ${(ageMs / 1000).toFixed(1)} s`
      throw new RefusalError('unavailable', `not heard on NATS${since}`)
    }
    return await within(query.timeoutMs + graceMs, bus.request(nodeQueried, { nodeId }, request))
  }

  return {
    async askNodes(nodeIds, query) {
      const share = Math.floor(queryLimits.bytesOfAll / nodeIds.length)
      const maxBytes = Math.min(queryLimits.bytes, share)
      return await mapBounded(nodeIds, nodesAtOnce, async (nodeId) => {
        try {
          // Told before anything is asked, in the same words for each node.
          requireOneRead(query.sql)
          const { table, freshness } = await askNode(nodeId, query, maxBytes)
          return answered({ node_id: nodeId, table, freshness })
        } catch (error) {
          return refused(nodeId, error, 'its gateway does not answer')
        }
      })
    },

    async askAnalytics(query) {
      try {
        const { table } = await within(
          query.timeoutMs + graceMs,
          bus.request(analyticsTablesQueried, {}, query),
        )
        return answered({ node_id: null, table, freshness: null })
      } catch (error) {
        return refused(null, error, 'it does not answer, its /health/ready says what it lacks')
      }
    },
  }
}

/** How equal the nodes are that answered; null when fewer than two did. */
export function compareAnswers(
  answers: readonly Answer[],
  key: readonly string[] | undefined,
): { comparison: QueryComparison | null; comparison_error: string | null } {
  const tables = answers.flatMap(({ result: { node_id: nodeId, table } }) =>
    nodeId !== null && table !== null ? [{ nodeId, table }] : [],
  )
  if (tables.length < 2) return { comparison: null, comparison_error: null }
  try {
    const comparison = compareTables(tables, key)
    const is_equal = comparison.is_equal && tables.length === answers.length
    return { comparison: { ...comparison, is_equal }, comparison_error: null }
  } catch (error) {
    if (!(error instanceof IncomparableError)) throw error
    return { comparison: null, comparison_error: error.message }
  }
}

function answered(result: Omit<QueryResult, 'error'>): Answer {
  return { result: { ...result, error: null }, failure: undefined }
}

function refused(nodeId: string | null, error: unknown, silence: string): Answer {
  const failure = failureOf(error, silence)
  const result = { node_id: nodeId, table: null, freshness: null, error: failure.message }
  return { result, failure }
}

function failureOf(error: unknown, silence: string): { code: RefusalCode; message: string } {
  if (error instanceof StatementRefusedError) return { code: 'invalid', message: error.message }
  const refusal = error instanceof CommandError ? error.refusal : error
  if (refusal instanceof RefusalError) return { code: refusal.code, message: refusal.message }
  const isSilent = error instanceof CommandError && error.reason !== 'refused'
  return { code: 'unavailable', message: isSilent ? silence : messageOf(error) }
}

async function within<T>(timeoutMs: number, asked: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    reject(new RefusalError('unavailable', `no answer in ${timeoutMs} ms`))
  }, timeoutMs)
  try {
    return await Promise.race([asked, promise])
  } finally {
    clearTimeout(timer)
  }
}

async function mapBounded<T, R>(
  items: readonly T[],
  most: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>()
  const waiting = items.entries()
  const workers = Array.from({ length: Math.min(most, items.length) }, async () => {
    for (const [place, item] of waiting) results.set(place, await work(item))
  })
  await Promise.all(workers)
  return [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result)
}
