import { createTraceparent, withSpan } from '@corroport/bus'
import {
  type AcknowledgePubsubRequest,
  AcknowledgeReply,
  type AcknowledgeRequest,
  acknowledgementText,
  createParser,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import type { NodeKey } from '@corroport/identity'
import { Type } from 'typebox'
import type { Dispatcher } from 'undici'
import type { Owed } from './receipts.ts'

/** What an answer means for what is owed. */
export type Verdict =
  | { kind: 'confirmed' }
  /** Would be refused again. */
  | { kind: 'refused'; cause: 'not-tracked' | 'refused'; reason: string }
  /** This one may succeed later; others may succeed now. */
  | { kind: 'delayed'; reason: string }
  /** The origin takes nothing at the moment. */
  | { kind: 'unreachable'; reason: string }

export type Outcome = Verdict & { sentAt: string; answeredAt: string }

/** One attempt to acknowledge at an endpoint; never throws. */
export type Post = (owed: Owed, endpoint: string) => Promise<Outcome>

const longestBodyBytes = 64 * 1024
const longestReason = 300

const parseReply = createParser('answer to an acknowledgement', AcknowledgeReply)
const parseProblem = createParser(
  'problem',
  Type.Object({ detail: Type.Optional(Type.String()), error: Type.Optional(Type.String()) }),
)

export function createPost(options: {
  nodeId: string
  key: NodeKey
  http: Dispatcher
  timeoutMs: number
}): Post {
  const { nodeId, key, http, timeoutMs } = options
  return async (owed, endpoint) => {
    const sentAt = toTimestamp(nowMicroseconds())
    const path = owed.transport === 'gossip' ? '/api/acknowledge' : '/api/acknowledge_pubsub'
    let verdict: Verdict
    try {
      verdict = await withSpan(
        {
          service: 'ack-sender',
          name: `POST ${path}`,
          kind: 'client',
          attributes: { 'http.request.method': 'POST', 'server.address': endpoint },
        },
        async (span) => {
          const { statusCode, body } = await http.request({
            origin: `http://${endpoint}`,
            path,
            method: 'POST',
            headers: { 'content-type': 'application/json', traceparent: createTraceparent() },
            body: JSON.stringify(sign(owed, nodeId, sentAt, key)),
            signal: AbortSignal.timeout(timeoutMs),
          })
          span?.set({ 'http.response.status_code': statusCode })
          return judge(statusCode, await readText(body))
        },
      )
    } catch (error) {
      verdict = { kind: 'unreachable', reason: describeFailure(error) }
    }
    return { ...verdict, sentAt, answeredAt: toTimestamp(nowMicroseconds()) }
  }
}

function sign(
  owed: Owed,
  nodeId: string,
  sentAt: string,
  key: NodeKey,
): AcknowledgeRequest | AcknowledgePubsubRequest {
  const { messageId, originNodeId, transport, via, firstSeen } = owed
  const attempts = owed.attempts + 1
  const signature = key.sign(
    acknowledgementText({
      messageId,
      ackNodeId: nodeId,
      originNodeId,
      transport,
      receivedAt: firstSeen,
      sentAt,
      via,
      attempts,
    }),
  )
  const signed = {
    ack_node_id: nodeId,
    origin_node_id: originNodeId,
    receipt_timestamp: firstSeen,
    sent_timestamp: sentAt,
    via,
    attempts,
    signature,
  }
  return transport === 'gossip'
    ? { message_pk: messageId, ...signed }
    : { request_id: messageId, ...signed }
}

/** A status that is not listed is taken for a passing trouble with this one acknowledgement. */
export function judge(status: number, text: string): Verdict {
  switch (status) {
    case 200:
      return isAcknowledged(text)
        ? { kind: 'confirmed' }
        : { kind: 'delayed', reason: 'answered 200 without acknowledging' }
    case 404:
      return { kind: 'refused', cause: 'not-tracked', reason: 'not tracked by its origin' }
    case 400:
    case 403:
    case 422:
      return { kind: 'refused', cause: 'refused', reason: withDetail(status, text) }
    // 401: the origin has not heard our announcement, or an older one.
    case 401:
    case 429:
    case 502:
    case 503:
    case 504:
      return { kind: 'unreachable', reason: withDetail(status, text) }
    default:
      return { kind: 'delayed', reason: withDetail(status, text) }
  }
}

function isAcknowledged(text: string): boolean {
  try {
    return parseReply(JSON.parse(text)).status === 'acknowledged'
  } catch {
    return false // whatever it is, it is no acknowledgement
  }
}

function withDetail(status: number, text: string): string {
  let detail: string | undefined
  try {
    const problem = parseProblem(JSON.parse(text))
    detail = problem.detail ?? problem.error
  } catch {
    // An answer without a problem document: its status says enough.
  }
  return `answered ${status}${detail ? `: ${detail}` : ''}`.slice(0, longestReason)
}

/** Reads what fits the bound; what is longer is cut off, and the connection with it. */
async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > longestBodyBytes) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : ''
  return `${code}${error.message}`.slice(0, longestReason)
}
