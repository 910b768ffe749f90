import { type Bus, createTraceparent, withSpan } from '@corroport/bus'
import {
  ackRequested,
  type ExperimentSlot,
  type MessageSent,
  maxContentBytes,
  nowMicroseconds,
  type Transport,
  toTimestamp,
} from '@corroport/contracts'
import {
  CorrosionBusyError,
  type CorrosionClient,
  CorrosionConnectionError,
  CorrosionResponseError,
  type TransactionResult,
} from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import { monotonicFactory } from 'ulid'
import type { Config } from './config.ts'
import { ProblemError } from './errors.ts'
import type { Metrics } from './metrics.ts'
import type { Roster } from './roster.ts'
import { createRowWriter } from './row-writer.ts'
import type { Tracker } from './tracker.ts'

export interface Sent {
  messageId: string
  transport: Transport
  sequence: number
  sentAt: string
  expected: MessageSent['expected']
}

/** The place of a message in its experiment, when it is sent at this time of the wall clock. */
export type SlotAt = (nowMicroseconds: number) => ExperimentSlot

export interface Sender {
  /** Returns when the agent has it; throws a `ProblemError` that says what became of it. */
  gossip(content: string, slotAt?: SlotAt): Promise<Sent>
  direct(content: string, slotAt?: SlotAt): Sent
  /** Its outcome is being found out right now. */
  isSending(messageId: string): boolean
}

export interface SenderOptions {
  config: Pick<Config, 'nodeId' | 'region' | 'peer'>
  agent: CorrosionClient
  bus: Bus
  roster: Roster
  tracker: Tracker
  /** Of a message that comes without a slot of its own. */
  manualSlot: (transport: Transport) => ExperimentSlot | undefined
  metrics: Metrics
  log: Logger
}

const transactTimeoutMs = 5000
const readBackTimeoutMs = 1000

const sendSpan = {
  service: 'gateway',
  name: 'send message',
  kind: 'producer',
  isRoot: true,
} as const
const writeSpan = { name: 'write row', kind: 'client' } as const

const insertMessage = `INSERT INTO node_messages
  (pk, node_id, message, sequence, timestamp, originating_endpoint, region, traceparent)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

export function createSender(options: SenderOptions): Sender {
  const { config, agent, bus, roster, tracker, manualSlot, metrics, log } = options
  const { nodeId, region, peer } = config
  const writeRow = createRowWriter(agent, transactTimeoutMs)
  const nextUlid = monotonicFactory()
  const sending = new Set<string>()

  const arm = (content: string, transport: Transport, slotAt?: SlotAt): Sent => {
    const { ownState } = roster
    // What it wrote now might never reach another node.
    if (ownState === 'draining' || ownState === 'left') {
      throw new ProblemError(503, `this node is ${ownState}: send from another one`)
    }
    const now = nowMicroseconds()
    const experiment = slotAt ? slotAt(now) : manualSlot(transport)
    const sent = {
      messageId: `${nodeId}_${nextUlid()}`,
      transport,
      sequence: Math.floor(now / 1000),
      sentAt: toTimestamp(now),
      expected: roster.expectedReceivers(),
    }
    tracker.arm({ ...sent, sizeBytes: Buffer.byteLength(content), experiment })
    return sent
  }

  const write = async (sent: Sent, content: string): Promise<void> => {
    const { messageId, sequence, sentAt } = sent
    const row = [
      messageId,
      nodeId,
      content,
      sequence,
      sentAt,
      peer.endpoint,
      region,
      createTraceparent(),
    ]
    let result: TransactionResult
    try {
      result = await withSpan(writeSpan, () =>
        writeRow([insertMessage, row], Buffer.byteLength(content)),
      )
    } catch (error) {
      const refusal = refusalOf(error, messageId)
      if (refusal) {
        tracker.fail(messageId, refusal.message)
        throw refusal
      }
      await readBack(messageId, error)
      return
    }
    tracker.accept(messageId, {
      actorId: result.actorId,
      ...(result.version === null ? {} : { dbVersion: String(result.version) }),
      wasReadBack: false,
    })
  }

  const readBack = async (messageId: string, cause: unknown): Promise<void> => {
    const isThere = await agent
      .query(['SELECT 1 FROM node_messages WHERE pk = ?', [messageId]], {
        timeoutMs: readBackTimeoutMs,
      })
      .then(
        ({ rows }) => rows.length > 0,
        () => false, // not known either way; the reconciliation asks again
      )
    if (isThere) {
      tracker.accept(messageId, { wasReadBack: true })
      return
    }
    throw new ProblemError(
      504,
      `the agent did not say whether it wrote the message: ask GET /api/messages/${messageId} before sending it again`,
      { cause, extension: { pk: messageId } },
    )
  }

  const count = (sent: Sent, outcome: string): void => {
    metrics.sent.inc({ transport: sent.transport, outcome })
    const { messageId, transport } = sent
    log.info({ messageId, transport, outcome }, 'message sent')
  }

  return {
    gossip: (content, slotAt) =>
      withSpan(sendSpan, async (span) => {
        const sent = arm(content, 'gossip', slotAt)
        span?.set({ 'corroport.message.id': sent.messageId })
        sending.add(sent.messageId)
        try {
          await write(sent, content)
          count(sent, 'accepted')
        } catch (error) {
          const isUnknown = error instanceof ProblemError && error.status === 504
          count(sent, isUnknown ? 'unknown' : 'failed')
          throw error
        } finally {
          sending.delete(sent.messageId)
        }
        return sent
      }),

    direct: (content, slotAt) =>
      withSpan(sendSpan, (span) => {
        const sent = arm(content, 'direct', slotAt)
        const { messageId, sentAt: requestedAt } = sent
        span?.set({ 'corroport.message.id': messageId })
        const request = { originNodeId: nodeId, messageId, content, region, requestedAt }
        if (!bus.hint(ackRequested, { nodeId }, request)) {
          tracker.fail(messageId, 'nats is not connected')
          count(sent, 'failed')
          throw new ProblemError(
            503,
            'nats is not connected: nothing was sent, send it again later',
            {
              extension: { pk: messageId },
              retryAfterSeconds: 1,
            },
          )
        }
        tracker.accept(messageId, { wasReadBack: false })
        count(sent, 'accepted')
        return sent
      }),

    isSending: (messageId) => sending.has(messageId),
  }
}

/** What to answer when the agent has certainly not written it; undefined when that is not known. */
function refusalOf(cause: unknown, pk: string): ProblemError | undefined {
  const extension = { pk }
  if (cause instanceof CorrosionConnectionError && cause.outcome === 'not-sent') {
    return new ProblemError(
      503,
      'the agent of this node does not answer: nothing was written, send it again when it is back',
      { cause, extension, retryAfterSeconds: 1 },
    )
  }
  if (cause instanceof CorrosionBusyError) {
    return new ProblemError(503, 'the agent is overloaded: nothing was written, send it again', {
      cause,
      extension,
      retryAfterSeconds: 1,
    })
  }
  if (cause instanceof CorrosionResponseError) {
    return new ProblemError(502, `the agent refused the message: ${cause.agentMessage}`, {
      cause,
      extension,
    })
  }
  return undefined
}

/** Throws for what no message may be. The content is otherwise sent exactly as given. */
export function checkContent(content: string): void {
  const sizeBytes = Buffer.byteLength(content)
  if (sizeBytes > maxContentBytes) {
    throw new ProblemError(413, `content has ${sizeBytes} bytes, at most ${maxContentBytes} fit`)
  }
  if (!content.isWellFormed()) {
    throw new ProblemError(400, 'content is not valid Unicode: it has half of a surrogate pair')
  }
}
