import { type Bus, messageOf } from '@corroport/bus'
import {
  fromTimestamp,
  type MessageDetail,
  MessageId,
  MessageLifeReply,
  nowMicroseconds,
  type Reception,
  receptionsQueried,
} from '@corroport/contracts'
import { Type } from 'typebox'
import { askedBy } from '../access/policy.ts'
import { ProblemError } from '../errors.ts'
import { type FindMessageDeps, findMessage, originOf } from '../find-message.ts'
import type { App } from '../http-server.ts'
import type { Queries } from '../query/queries.ts'
import { answeredBy, answers } from './responses.ts'

export interface MessageLifeDeps extends FindMessageDeps {
  bus: Bus
  queries: Pick<Queries, 'askNodes'>
}

type LifeOnNode = MessageLifeReply['nodes'][number]

const rowTimeoutMs = 1000
const deadlineMs = 2000

/** One message on every node: what its origin, each ack-sender and each agent have of it. */
export function registerMessageLife(app: App, deps: MessageLifeDeps): void {
  const { config, bus, roster, queries } = deps

  app.get(
    '/api/messages/:pk/life',
    {
      config: { access: 'viewer' },
      schema: { params: Type.Object({ pk: MessageId }), response: answers(MessageLifeReply) },
    },
    async ({ params: { pk }, principal }) => {
      const origin = originOf(pk)
      const everybody = roster.nodeIds()
      const [message, rows, receptions] = await Promise.all([
        inTime(findMessage(deps, pk)),
        findRows(queries, everybody, pk, askedBy(principal)),
        findReceptions(bus, everybody, origin, pk),
      ])
      const detail = message.value ?? null
      const isKnown = detail !== null || [...receptions.values()].some(({ value }) => value)
      if (!isKnown && ![...rows.values()].some(({ row }) => row === 'present') && !message.error) {
        throw new ProblemError(404, `no node knows a message ${pk}: it was never sent or forgotten`)
      }
      // Nodes that were expected and are gone by now have their line too.
      const expected = detail?.expected.map(({ node_id }) => node_id) ?? []
      const nodeIds = [...new Set([...everybody, ...expected])].toSorted()
      return {
        message: detail,
        message_error:
          message.error ?? (detail ? null : `${origin || 'no node'} does not track it any more`),
        nodes: nodeIds.map((nodeId) => {
          const { row, error: rowError } = rows.get(nodeId) ?? notAsked
          const reception = receptions.get(nodeId)
          return {
            node_id: nodeId,
            is_origin: nodeId === origin,
            is_expected: expected.includes(nodeId),
            reception: reception?.value ?? null,
            row,
            ...describeAck(nodeId, detail),
            error: [rowError, reception?.error].filter(Boolean).join('; ') || null,
          }
        }),
        ...answeredBy(config.nodeId),
      }
    },
  )
}

const notAsked = { row: 'unknown', error: 'it belongs to the cluster no more' } as const

async function findRows(
  queries: Pick<Queries, 'askNodes'>,
  nodeIds: readonly string[],
  pk: string,
  by: string,
): Promise<Map<string, Pick<LifeOnNode, 'row' | 'error'>>> {
  const asked = await queries.askNodes(nodeIds, {
    sql: 'SELECT 1 FROM node_messages WHERE pk = ?',
    params: [pk],
    by,
    maxRows: 1,
    timeoutMs: rowTimeoutMs,
  })
  return new Map(
    asked.map(({ result: { table, error } }, index) => {
      const row = table === null ? 'unknown' : table.rows.length > 0 ? 'present' : 'absent'
      return [nodeIds[index] ?? '', { row, error: error === null ? null : `row: ${error}` }]
    }),
  )
}

/** Of every node but the origin, which receives nothing of its own. */
async function findReceptions(
  bus: Bus,
  nodeIds: readonly string[],
  origin: string,
  pk: string,
): Promise<Map<string, Told<Reception | undefined>>> {
  const receivers = nodeIds.filter((nodeId) => nodeId !== origin)
  const told = await Promise.all(
    receivers.map(async (nodeId) => {
      const asked = bus.request(receptionsQueried, { nodeId }, { pk, min: 1, limit: 1 })
      const found = await inTime(asked.then(({ receptions }) => receptions[0]))
      return [nodeId, found.error ? { error: `reception: ${found.error}` } : found] as const
    }),
  )
  return new Map(told)
}

interface Told<T> {
  value?: T
  error?: string
}

/** The answer, or why there is none: whoever is silent holds up nobody else. */
async function inTime<T>(asked: Promise<T>): Promise<Told<T>> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`no answer in ${deadlineMs} ms`)), deadlineMs)
  try {
    return { value: await Promise.race([asked, late]) }
  } catch (error) {
    return { error: messageOf(error) }
  } finally {
    clearTimeout(timer)
  }
}

function describeAck(
  nodeId: string,
  detail: MessageDetail | null,
): Pick<LifeOnNode, 'acknowledged_at' | 'round_trip_ms' | 'waiting_ms'> {
  const ack = detail?.acks.find(({ node_id }) => node_id === nodeId)
  if (ack) {
    const { acknowledged_at, round_trip_ms } = ack
    return { acknowledged_at, round_trip_ms, waiting_ms: null }
  }
  const isMissing = detail?.missing.includes(nodeId) === true && detail.status !== 'failed'
  const sentAt = isMissing ? fromTimestamp(detail.sent_at) : undefined
  return {
    acknowledged_at: null,
    round_trip_ms: null,
    // By two clocks where another node sent it.
    waiting_ms: sentAt === undefined ? null : Math.max(0, (nowMicroseconds() - sentAt) / 1000),
  }
}
