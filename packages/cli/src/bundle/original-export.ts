import {
  createParser,
  type Experiment,
  ExperimentId,
  fromTimestamp,
  MessageId,
  maxContentBytes,
  NodeId,
  nullable,
  type StoredEvent,
  type Transport,
  toTimestamp,
} from '@corroport/contracts'
import { Type } from 'typebox'
import { Failure } from '../failure.ts'

const Event = Type.Object({
  message_id: MessageId,
  originating_node: NodeId,
  target_node: Type.Optional(nullable(NodeId)),
  event_type: Type.Union([Type.Literal('sent'), Type.Literal('acked')]),
  event_timestamp: Type.String({ maxLength: 40 }),
  region: Type.Optional(nullable(Type.String({ maxLength: 64 }))),
  transaction_size_hint: Type.Optional(nullable(Type.Number())),
})

const parseOriginal = createParser(
  "an export of the original's",
  Type.Object({
    metadata: Type.Object({ exporter_version: Type.String({ maxLength: 40 }) }),
    experiment: Type.Object({
      id: ExperimentId,
      configuration: Type.Optional(
        nullable(
          Type.Object({
            transaction_size_bytes: Type.Optional(nullable(Type.Number())),
            transaction_frequency_ms: Type.Optional(nullable(Type.Number())),
          }),
        ),
      ),
    }),
    raw_events: Type.Array(Event, { minItems: 1, maxItems: 2_000_000 }),
  }),
)

export interface OriginalBundle {
  experiment: Experiment
  events: StoredEvent[]
}

interface Sent {
  messageId: string
  origin: string
  transport: Transport
  at: number
}

/**
 * The original's JSON with its raw events; its own figures are left out, since they are computed
 * anew. It recorded no receipts, no outcome of a write, no intended times and nobody who was expected:
 * a message counts as written, and everyone who acknowledged any is expected to acknowledge each.
 */
export function originalToBundle(json: unknown): OriginalBundle {
  const { metadata, experiment, raw_events: told } = parseOriginal(json)
  const times = told.map(({ event_timestamp }) => microsecondsOf(event_timestamp))
  const messages = new Map<string, Sent>()
  const acks = new Map<string, { sent: Sent; nodeId: string; at: number }>()
  const regions = new Map<string, string>()
  let ignored = 0
  for (const [index, event] of told.entries()) {
    if (event.event_type !== 'sent') continue
    const { message_id: messageId, originating_node: origin } = event
    if (messages.has(messageId)) ignored++
    else {
      const transport = messageId.startsWith('pubsub_') ? 'direct' : 'gossip'
      messages.set(messageId, { messageId, origin, transport, at: times[index] ?? 0 })
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
      acks.set(key, { sent, nodeId, at: times[index] ?? 0 })
      if (!regions.has(nodeId)) regions.set(nodeId, event.region || regionOf(nodeId))
    }
  }
  if (messages.size === 0) throw new Failure('the export has no message that was sent')

  const inOrder = [...messages.values()].toSorted((one, other) => one.at - other.at)
  const origins = [...new Set(inOrder.map(({ origin }) => origin))]
  const transports = [...new Set(inOrder.map(({ transport }) => transport))]
  const receivers = [...regions.keys()]
  const [first, last] = [Math.min(...bounds(times)), Math.max(...bounds(times))]
  const { transaction_size_bytes, transaction_frequency_ms } = experiment.configuration ?? {}
  const payloadBytes = within(
    transaction_size_bytes ?? told[0]?.transaction_size_hint ?? 1,
    1,
    maxContentBytes,
  )
  const countOf = (origin: string) => inOrder.filter((sent) => sent.origin === origin).length
  return {
    experiment: {
      id: experiment.id,
      plan: {
        name: experiment.id,
        note: `made from an export of the original's (${metadata.exporter_version}): receipts, outcomes of writes, sizes and delays of the sender were not recorded${
          ignored === 0 ? '' : `; ${ignored} repeated or unattached events were left out`
        }`,
        transports,
        origins,
        count: Math.max(
          ...transports.map((one) => inOrder.filter(({ transport }) => transport === one).length),
        ),
        interval_ms: within(transaction_frequency_ms ?? medianGapMs(inOrder), 1, 3_600_000),
        payload_bytes: Math.round(payloadBytes),
        warmup: 0,
        seed: 0,
        repeat_of: null,
      },
      status: 'finished',
      reason: null,
      expected: receivers,
      environment: {
        versions: { 'original exporter': metadata.exporter_version },
        nodes: receivers.map((nodeId) => ({
          node_id: nodeId,
          region: regions.get(nodeId) ?? null,
          actor_id: null,
          agent_kind: null,
          version: null,
          bootstrap: [],
          config_sha256: null,
          was_present: true,
        })),
        host: { platform: 'not known', cores: 0 },
      },
      shares: origins.map((origin) => ({
        node_id: origin,
        state: 'ended',
        planned: countOf(origin),
        sent: countOf(origin),
        failed: 0,
        skipped: 0,
        reason: null,
      })),
      by: 'import',
      created_at: toTimestamp(first),
      started_at: toTimestamp(first),
      sending_ended_at: toTimestamp(inOrder.at(-1)?.at ?? last),
      deadline_at: null,
      finished_at: toTimestamp(last),
      imported_from: "the original's export",
    },
    events: [
      ...inOrder.flatMap((sent, number) => [
        {
          kind: 'sent' as const,
          event: {
            ...identify(sent),
            region: regions.get(sent.origin) ?? 'unknown',
            sizeBytes: Math.round(payloadBytes),
            expected: receivers
              .filter((nodeId) => nodeId !== sent.origin)
              .map((nodeId) => ({ nodeId, wasPresent: true })),
            sentAt: toTimestamp(sent.at),
            experiment: {
              id: experiment.id,
              number,
              isWarmup: false,
              intendedAt: null,
              delayMs: 0,
            },
          },
        },
        {
          kind: 'accepted' as const,
          event: {
            ...identify(sent),
            acceptedAt: toTimestamp(sent.at),
            tookMs: null,
            wasReadBack: true,
          },
        },
      ]),
      ...[...acks.values()].map(({ sent, nodeId, at }) => ({
        kind: 'acked' as const,
        event: {
          ...identify(sent),
          ackNodeId: nodeId,
          // The original knew no other way to see a row.
          via: sent.transport === 'direct' ? 'direct' : 'subscription',
          attempts: 1,
          receivedAt: null,
          sentAt: null,
          arrivedAt: toTimestamp(at),
          roundTripMs: (at - sent.at) / 1000,
          roundTripClock: 'wall',
        },
      })),
    ],
  }
}

const identify = ({ origin, messageId, transport }: Sent) => ({
  nodeId: origin,
  messageId,
  transport,
})

/** Its times are UTC, in some versions without saying so. */
function microsecondsOf(text: string): number {
  const microseconds = fromTimestamp(text.endsWith('Z') ? text : `${text}Z`)
  if (microseconds === undefined) {
    throw new Failure(`${JSON.stringify(text)} is no time of an event`)
  }
  return microseconds
}

/** Its node ids begin with their region. */
const regionOf = (nodeId: string): string => nodeId.split('-', 1)[0] || 'unknown'

const within = (value: number, least: number, most: number): number =>
  Math.min(Math.max(value, least), most)

function medianGapMs(inOrder: readonly Sent[]): number {
  const gaps = inOrder
    .slice(1)
    .map(({ at }, index) => at - (inOrder[index]?.at ?? at))
    .toSorted((one, other) => one - other)
  return (gaps[Math.ceil(gaps.length / 2) - 1] ?? 1000) / 1000
}

/** Smallest and largest, of more than an argument list may hold. */
function bounds(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([least, most], value) => [Math.min(least, value), Math.max(most, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  )
}
