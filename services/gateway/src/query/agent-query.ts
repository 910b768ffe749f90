import { RefusalError } from '@corroport/bus'
import {
  nowMicroseconds,
  type QueryFreshness,
  type QueryParameters,
  type QueryTable,
  toCell,
  toTimestamp,
} from '@corroport/contracts'
import {
  CorrosionBusyError,
  type CorrosionClient,
  CorrosionConnectionError,
  CorrosionResponseError,
  describeError,
  StatementRefusedError,
} from '@corroport/corrosion-client'
import { bindParameters } from './bind-parameters.ts'

export interface AgentQueryRequest {
  sql: string
  params: QueryParameters
  maxRows: number
  maxBytes: number
  timeoutMs: number
}

export interface AgentAnswer {
  table: QueryTable
  freshness: QueryFreshness
}

/** Reads this node's agent for people. Says no with a `RefusalError`. */
export type AgentQuery = (request: AgentQueryRequest) => Promise<AgentAnswer>

/** An agent reads over 20 connections, and its own services need some of them. */
export const mostAtOnce = 8

// One kind of agent takes the seconds of its limit for minutes, so that a statement without rows goes on
// for one at least, whoever has left: it counts as running until the agent ends it.
const longestMs = 65_000

export interface AgentQueryDeps {
  /** For people alone: it refuses rows that are longer than an answer may be. */
  agent: CorrosionClient
  /** Changes that wait to be applied, where that is known. */
  queueSize: () => number | null
}

export function createAgentQuery({ agent, queueSize }: AgentQueryDeps): AgentQuery {
  let running = 0

  const read = async (request: AgentQueryRequest): Promise<QueryTable> => {
    if (running >= mostAtOnce) {
      throw new RefusalError(
        'unavailable',
        `${mostAtOnce} queries run here already, or time has not ended them yet: try again later`,
      )
    }
    running++
    const begunAt = performance.now()
    const reading = startReading(agent, request)
    void reading.done.catch(() => undefined).finally(() => running--)
    const { promise: passed, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, request.timeoutMs)
    try {
      await Promise.race([reading.done, passed])
    } catch (error) {
      throw toRefusal(error)
    } finally {
      clearTimeout(timer)
    }
    return { ...reading.end(request.timeoutMs), tookMs: tookMs(begunAt) }
  }

  return async (request) => {
    const takenAt = toTimestamp(nowMicroseconds())
    const { timeoutMs } = request
    const [table, actorId, neededVersions] = await Promise.all([
      read(request),
      agent.actorId({ timeoutMs }).catch(() => null), // what is not known is said to be so
      agent.missingVersions({ timeoutMs }).catch(() => null),
    ])
    return { table, freshness: { takenAt, actorId, neededVersions, queueSize: queueSize() } }
  }
}

interface Reading {
  /** Rejects when the agent refuses; goes on after `end()` as long as the agent does. */
  readonly done: Promise<void>
  /** What came so far; no more is taken. Throws where that is nothing. */
  end(timeoutMs: number): Omit<QueryTable, 'tookMs'>
}

function startReading(agent: CorrosionClient, request: AgentQueryRequest): Reading {
  const { sql, params, maxRows, maxBytes, timeoutMs } = request
  const rows: QueryTable['rows'] = []
  let columns: string[] | undefined
  let cut: QueryTable['cut'] = 'time'
  let bytes = 0
  let isEnded = false

  const takeAll = async (): Promise<void> => {
    const arriving = agent.queryRows(bindParameters(sql, params), {
      timeoutMs: longestMs,
      interruptMs: timeoutMs,
      onColumns: (names) => {
        columns = names
      },
    })
    // Leaving the loop ends the work of the agent, which notices it at its next row.
    for await (const values of arriving) {
      if (isEnded) return
      const row = values.map(toCell)
      bytes += Buffer.byteLength(JSON.stringify(row)) + 1
      if (rows.length >= maxRows) cut = 'rows'
      else if (bytes > maxBytes) cut = 'bytes'
      else {
        rows.push(row)
        continue
      }
      return
    }
    cut = null
  }
  const done = takeAll().catch((error: unknown) => {
    const isTooLong = error instanceof CorrosionConnectionError && error.cause instanceof RangeError
    if (!isTooLong) throw error
    cut = 'bytes'
  })

  return {
    done,
    end(afterMs) {
      isEnded = true
      if (columns === undefined) {
        throw new RefusalError('unavailable', `the agent did not answer in ${afterMs} ms`)
      }
      if (cut === 'time' && rows.length === 0) throw noRowInTime(afterMs)
      return { columns, rows, cut }
    },
  }
}

function noRowInTime(timeoutMs?: number): RefusalError {
  const limit = timeoutMs === undefined ? 'the time that it was given' : `${timeoutMs} ms`
  return new RefusalError('invalid', `no row came in ${limit}: ask for less, or give it more time`)
}

const parameterErrors = /^(Invalid parameter name|Wrong number of parameters)/

function toRefusal(error: unknown): unknown {
  if (error instanceof StatementRefusedError || error instanceof RangeError) {
    return new RefusalError('invalid', error.message)
  }
  if (error instanceof CorrosionBusyError) {
    return new RefusalError('unavailable', 'the agent has too many queries: try again later')
  }
  if (error instanceof CorrosionConnectionError) {
    return new RefusalError(
      'unavailable',
      `the agent does not answer: ${describeError(error.cause)}`,
    )
  }
  if (!(error instanceof CorrosionResponseError)) return error
  const { status, agentMessage } = error
  if (agentMessage === 'interrupted') return noRowInTime()
  // 200 when it failed after the answer had begun.
  const isOfStatement = status === 400 || status === 200 || parameterErrors.test(agentMessage)
  return isOfStatement
    ? new RefusalError('invalid', withPlace(agentMessage))
    : new RefusalError('unavailable', `the agent failed: ${agentMessage}`)
}

/** `near "b": syntax error in SELECT a fro b at offset 13`, with the place in place of the statement. */
function withPlace(message: string): string {
  const found = /^(?<what>.*?) in (?<sql>[^]*) at offset (?<offset>\d+)$/.exec(message)?.groups
  if (found?.sql === undefined) return message
  const before = Buffer.from(found.sql).subarray(0, Number(found.offset)).toString().split('\n')
  return `${found.what}, line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`
}

function tookMs(begunAt: number): number {
  return Math.round((performance.now() - begunAt) * 100) / 100
}
