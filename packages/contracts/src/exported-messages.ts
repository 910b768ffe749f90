import { type Static, Type } from 'typebox'
import { ExperimentPlan, ExperimentStatus } from './experiment.ts'
import { ExperimentId, Transport } from './message.ts'
import { fromTimestamp, Timestamp } from './timestamp.ts'
import { MessageId, NodeId, nullable } from './values.ts'

const Event = Type.Object({
  message_id: MessageId,
  originating_node: NodeId,
  target_node: Type.Optional(nullable(NodeId)),
  event_type: Type.Union([Type.Literal('sent'), Type.Literal('acked')]),
  event_timestamp: Type.String({ maxLength: 40 }),
  region: Type.Optional(nullable(Type.String({ maxLength: 64 }))),
  transaction_size_hint: Type.Optional(nullable(Type.Number())),
  transport: Type.Optional(Transport),
  receipt_timestamp: Type.Optional(nullable(Timestamp)),
  round_trip_ms: Type.Optional(nullable(Type.Number())),
})

/** The original's export, and ours, which has more fields and the same shape. */
export const JsonExport = Type.Object({
  metadata: Type.Object({ exporter_version: Type.String({ maxLength: 40 }) }),
  experiment: Type.Object({
    id: ExperimentId,
    plan: Type.Optional(ExperimentPlan),
    status: Type.Optional(ExperimentStatus),
    reason: Type.Optional(nullable(Type.String())),
    configuration: Type.Optional(
      nullable(
        Type.Object({
          transaction_size_bytes: Type.Optional(nullable(Type.Number())),
          transaction_frequency_ms: Type.Optional(nullable(Type.Number())),
        }),
      ),
    ),
  }),
  topology: Type.Optional(
    Type.Object({
      nodes: Type.Array(
        Type.Object({
          node_id: NodeId,
          region: Type.Optional(nullable(Type.String({ maxLength: 64 }))),
          bootstrap_peers: Type.Optional(Type.Array(Type.String())),
        }),
      ),
    }),
  ),
  raw_events: Type.Array(Event, { minItems: 1, maxItems: 2_000_000 }),
})
export type JsonExport = Static<typeof JsonExport>

export interface ExportedMessage {
  messageId: string
  origin: string
  transport: Transport
  sizeBytes: number | null
  at: number
}

interface Ack {
  sent: ExportedMessage
  nodeId: string
  receivedAt: string | null
  roundTripMs: number
  at: number
}

export interface ExportedMessages {
  /** In the order of sending. */
  messages: ExportedMessage[]
  acks: Ack[]
  /** By node: all that were told of. */
  regions: Map<string, string>
  /** Repeated, or of no message. */
  ignored: number
}

export function readExportedMessages({ raw_events: told, topology }: JsonExport): ExportedMessages {
  const times = told.map(({ event_timestamp }) => microsecondsOf(event_timestamp))
  const messages = new Map<string, ExportedMessage>()
  const acks = new Map<string, Ack>()
  const regions = new Map<string, string>()
  let ignored = 0
  for (const { node_id, region } of topology?.nodes ?? []) {
    regions.set(node_id, region || regionOf(node_id))
  }
  for (const [index, event] of told.entries()) {
    if (event.event_type !== 'sent') continue
    const { message_id: messageId, originating_node: origin } = event
    if (messages.has(messageId)) ignored++
    else {
      const transport = event.transport ?? (messageId.startsWith('pubsub_') ? 'direct' : 'gossip')
      const sizeBytes = event.transaction_size_hint ?? null
      messages.set(messageId, { messageId, origin, transport, sizeBytes, at: times[index] ?? 0 })
    }
    regions.set(origin, event.region || regionOf(origin))
  }
  for (const [index, event] of told.entries()) {
    if (event.event_type !== 'acked') continue
    const { message_id: messageId, target_node: nodeId } = event
    const sent = messages.get(messageId)
    const key = `${nodeId} ${messageId}`
    if (!sent || !nodeId || acks.has(key)) ignored++
    else {
      const at = times[index] ?? 0
      const roundTripMs = event.round_trip_ms ?? (at - sent.at) / 1000
      acks.set(key, { sent, nodeId, receivedAt: event.receipt_timestamp ?? null, roundTripMs, at })
      if (!regions.has(nodeId)) regions.set(nodeId, event.region || regionOf(nodeId))
    }
  }
  if (messages.size === 0) throw new Error('the export has no message that was sent')
  return {
    messages: [...messages.values()].toSorted((one, other) => one.at - other.at),
    acks: [...acks.values()],
    regions,
    ignored,
  }
}

/** Its times are UTC, in some versions without saying so. */
function microsecondsOf(text: string): number {
  const microseconds = fromTimestamp(text.endsWith('Z') ? text : `${text}Z`)
  if (microseconds === undefined) {
    throw new Error(`${JSON.stringify(text)} is no time of an event`)
  }
  return microseconds
}

/** Its node ids begin with their region. */
const regionOf = (nodeId: string): string => nodeId.split('-', 1)[0] || 'unknown'
