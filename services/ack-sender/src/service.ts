import { join } from 'node:path'
import { consume, on, openStateFile } from '@corroport/bus'
import {
  ackFailed,
  ackPathDiagnosed,
  ackRequested,
  ackSenderDurable,
  ackSenderStatusQueried,
  ackSent,
  type ChangeObserved,
  changeObserved,
  messageReceived,
  messageSuspected,
  nodeAnnounced,
  nowMicroseconds,
  receptionsQueried,
  toTimestamp,
} from '@corroport/contracts'
import { openDirectory, openNodeKey } from '@corroport/identity'
import type { NodeDeps } from '@corroport/node-process'
import { Agent } from 'undici'
import type { Config } from './config.ts'
import { createConfirmations } from './confirmations.ts'
import { startDeliveries } from './deliver.ts'
import { diagnose } from './diagnose.ts'
import { readMessageRow } from './message-row.ts'
import { createAckMetrics } from './metrics.ts'
import { createPost, describeFailure } from './post.ts'
import { createReceipts, migrations, type Sighting } from './receipts.ts'
import { startSweep } from './sweep.ts'

export const says = [messageReceived, messageSuspected, ackSent, ackFailed] as const
export const hears = [changeObserved, ackRequested, nodeAnnounced] as const
export const answers = [receptionsQueried, ackPathDiagnosed, ackSenderStatusQueried] as const

const messageTable = 'node_messages'
const connectTimeoutMs = 1000

/** Acknowledges every message of another node that reaches this node, once, to its origin. */
export function startAckSender(config: Config, deps: NodeDeps): AsyncDisposable {
  const { nodeId, stateDir, ackTimeoutMs, ackMaxAgeMs, ackConcurrency } = config
  const { bus, log, health } = deps
  // Closed in reverse: nothing new is taken, what runs ends, then what it used is closed.
  const stack = new AsyncDisposableStack()
  const key = openNodeKey(stateDir)
  const state = stack.use(
    openStateFile({ path: join(stateDir, 'ack-sender.sqlite'), migrations, bus, log }),
  )
  const directory = stack.use(
    openDirectory({
      bus,
      log,
      path: join(stateDir, 'ack-sender-nodes.json'),
      lostAfterMs: config.heartbeatTimeoutMs,
    }),
  )
  const http = stack.adopt(
    new Agent({
      connections: ackConcurrency,
      connect: { timeout: Math.min(connectTimeoutMs, ackTimeoutMs) },
    }),
    (agent) => agent.close(),
  )
  const receipts = createReceipts(state, nodeId)
  const metrics = createAckMetrics(deps.metrics, () => receipts.summarizeOwed().count)
  const confirmations = stack.use(createConfirmations(receipts, log))
  const deliveries = stack.use(
    startDeliveries({
      receipts,
      confirmations,
      directory,
      post: createPost({ nodeId, key, http, timeoutMs: ackTimeoutMs }),
      concurrency: ackConcurrency,
      maxAgeMs: ackMaxAgeMs,
      log,
      metrics,
    }),
  )
  stack.use(
    startSweep({
      receipts,
      deliveries,
      directory,
      maxAgeMs: ackMaxAgeMs,
      retentionHours: config.receiptRetentionHours,
      log,
      metrics,
    }),
  )

  const receive = (sighting: Sighting): void => {
    const owed = receipts.see(sighting)
    if (!owed) return
    metrics.receipts.inc({ transport: owed.transport })
    deliveries.add(owed)
  }

  const observe = (change: ChangeObserved): void => {
    if (change.table !== messageTable || change.change === 'delete') return
    const { keyDigest } = change
    const message = readMessageRow(change, nodeId)
    if (message.kind === 'own') return
    if (message.kind === 'suspect') {
      receipts.suspect({ messageId: message.messageId, keyDigest, reason: message.reason })
      return
    }
    const { messageId, originNodeId, claimedEndpoint } = message
    const announcedEndpoint = directory.get(originNodeId)?.announcement.endpoints.peer
    if (claimedEndpoint && announcedEndpoint && claimedEndpoint !== announcedEndpoint) {
      receipts.suspect({
        messageId,
        keyDigest,
        reason: 'endpoint',
        claimedEndpoint,
        announcedEndpoint,
      })
    }
    const { via, observedAt, rowVersion } = change
    receive({ transport: 'gossip', messageId, originNodeId, via, seenAt: observedAt, rowVersion })
  }

  const consumption = stack.use(
    consume({
      bus,
      log,
      service: 'ack-sender',
      durable: ackSenderDurable(nodeId),
      handlers: [on(changeObserved, observe)],
    }),
  )
  stack.use(
    bus.hear(ackRequested, ({ messageId, originNodeId }) => {
      if (originNodeId === nodeId) return
      const seenAt = toTimestamp(nowMicroseconds())
      receive({ transport: 'direct', messageId, originNodeId, via: 'direct', seenAt })
    }),
  )
  stack.use(bus.respond(receptionsQueried, { nodeId }, (request) => receipts.query(request)))
  stack.use(
    bus.respond(ackPathDiagnosed, { nodeId }, () =>
      diagnose({
        nodeId,
        bus,
        consumption,
        key,
        directory,
        receipts,
        http,
        timeoutMs: ackTimeoutMs,
      }),
    ),
  )
  stack.use(
    bus.respond(ackSenderStatusQueried, { nodeId }, async () => ({
      unheard: await consumption.countWaiting(),
      owed: receipts.summarizeOwed().count,
      unpublished: state.unconfirmed(),
    })),
  )

  health.depend('state file', () => state.health())
  health.depend('change consumer', () => ({ ok: consumption.isBound }))
  health.depend('ack-sender state', () => {
    try {
      return { ok: true, detail: `${receipts.summarizeOwed().count} owed` }
    } catch (error) {
      return { ok: false, detail: describeFailure(error) }
    }
  })
  return stack
}
