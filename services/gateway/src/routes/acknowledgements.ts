import type { Bus } from '@corroport/bus'
import {
  AcknowledgePubsubRequest,
  type AcknowledgeReply,
  AcknowledgeReply as AcknowledgeReplySchema,
  AcknowledgeRequest,
  acknowledgementText,
  fromTimestamp,
  NodeId,
  nowMicroseconds,
  Timestamp,
  type Transport,
} from '@corroport/contracts'
import { type Directory, isSignedBy } from '@corroport/identity'
import type { Logger } from 'pino'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { ProblemError } from '../errors.ts'
import type { App } from '../http-server.ts'
import type { Metrics } from '../metrics.ts'
import type { OriginClock } from '../origin-clock.ts'
import type { Tracker } from '../tracker.ts'
import { answeredBy, answers } from './responses.ts'

export interface AcknowledgementDeps {
  config: Pick<Config, 'nodeId'>
  bus: Bus
  clock: OriginClock
  directory: Directory
  tracker: Tracker
  metrics: Metrics
  log: Logger
}

const PeerHealth = Type.Object({
  status: Type.Literal('healthy'),
  node_id: NodeId,
  timestamp: Timestamp,
  ack_tracker_status: Type.Object({ tracked_messages: Type.Integer(), nats: Type.Boolean() }),
})

type Signed = Omit<AcknowledgeRequest, 'message_pk'>

export function registerAcknowledgements(app: App, deps: AcknowledgementDeps): void {
  const { config, bus, clock, directory, tracker, metrics, log } = deps

  const store = (transport: Transport, messageId: string, body: Signed): AcknowledgeReply => {
    const arrival = {
      microseconds: nowMicroseconds(),
      clockMicroseconds: clock.nowMicroseconds(),
    }
    const keyName = transport === 'gossip' ? 'message_pk' : 'request_id'
    const { ack_node_id: ackNodeId, receipt_timestamp: receivedAt, sent_timestamp: sentAt } = body
    const { via, attempts } = body
    const ack = { messageId, transport, ackNodeId, via, attempts, receivedAt, sentAt }
    const refuse = (outcome: string, problem: ProblemError): never => {
      metrics.acks.inc({ transport, outcome })
      throw problem
    }

    if (body.origin_node_id !== config.nodeId) {
      const detail = `origin_node_id: this is ${config.nodeId}, not ${body.origin_node_id}`
      refuse('misdirected', new ProblemError(421, detail))
    }
    if (ackNodeId === config.nodeId) {
      const detail = 'ack_node_id: a node does not acknowledge its own messages'
      refuse('own', new ProblemError(400, detail))
    }
    for (const [name, time] of Object.entries({
      receipt_timestamp: receivedAt,
      sent_timestamp: sentAt,
    })) {
      if (fromTimestamp(time) === undefined) {
        refuse('malformed', new ProblemError(400, `${name} is a time that does not exist`))
      }
    }
    const sender = directory.get(ackNodeId)
    if (!sender) {
      const detail = `ack_node_id: ${ackNodeId} has not announced itself here yet`
      return refuse('unannounced', new ProblemError(503, detail, { retryAfterSeconds: 1 }))
    }
    const text = acknowledgementText({ ...ack, originNodeId: config.nodeId })
    if (!isSignedBy(sender.announcement.publicKey, text, body.signature)) {
      const detail = `signature: not made with the key that ${ackNodeId} announced`
      refuse('forged', new ProblemError(401, detail))
    }

    const outcome = tracker.acknowledge(ack, arrival)
    if (outcome === 'unknown') {
      const detail = `${keyName}: this node tracks no such message`
      refuse('unknown', new ProblemError(404, detail, { extension: { [keyName]: messageId } }))
    }
    if (typeof outcome === 'number') {
      metrics.acks.inc({ transport, outcome: 'stored' })
      metrics.roundTrip.observe({ transport }, outcome / 1000)
      log.debug({ messageId, transport, ackNodeId, roundTripMs: outcome }, 'ack stored')
    } else {
      metrics.acks.inc({ transport, outcome: 'duplicate' })
    }
    return {
      status: 'acknowledged',
      message: outcome === 'duplicate' ? 'stored before' : 'stored',
      ack_node_id: ackNodeId,
      [keyName]: messageId,
      ...(transport === 'direct' ? { receipt_timestamp: receivedAt } : {}),
      duplicate: outcome === 'duplicate',
    }
  }

  app.post(
    '/api/acknowledge',
    { schema: { body: AcknowledgeRequest, response: answers(AcknowledgeReplySchema) } },
    ({ body }) => store('gossip', body.message_pk, body),
  )

  app.post(
    '/api/acknowledge_pubsub',
    { schema: { body: AcknowledgePubsubRequest, response: answers(AcknowledgeReplySchema) } },
    ({ body }) => store('direct', body.request_id, body),
  )

  app.get('/api/acknowledge/health', { schema: { response: answers(PeerHealth) } }, () => ({
    status: 'healthy' as const,
    ...answeredBy(config.nodeId),
    ack_tracker_status: { tracked_messages: tracker.count, nats: bus.isConnected },
  }))
}
