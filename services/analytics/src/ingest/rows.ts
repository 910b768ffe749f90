import * as contracts from '@corroport/contracts'
import {
  ackFailed,
  ackReceived,
  ackSent,
  type ChangeObserved,
  changeObserved,
  clockSampled,
  createParser,
  definitionsAmong,
  messageAccepted,
  messageFailed,
  messageReceived,
  messageSent,
  messageSuspected,
  messagesSkipped,
  nullable,
  type RecordDefinition,
  Timestamp,
  toTimestamp,
} from '@corroport/contracts'
import { type Static, type TSchema, Type } from 'typebox'
import type { Database } from '../store/tables.ts'

export type FactTable =
  | 'sent'
  | 'outcome'
  | 'skipped'
  | 'receipt'
  | 'ack'
  | 'delivery'
  | 'sighting'
  | 'clock_sample'
  | 'event'

/** A row as JSON; times are text, and so are numbers that need more than 53 bits. */
type Values<Table extends FactTable> = Record<keyof Database[Table], unknown>

export type Row = { [Table in FactTable]: { table: Table; values: Values<Table> } }[FactTable]

type Maker = (payload: unknown) => Row

function row<S extends TSchema>(
  event: RecordDefinition<string, S>,
  make: (payload: Static<S>) => Row,
): [RecordDefinition, Maker] {
  return [event, (payload) => make(event.parse(payload))]
}

const explicit: [RecordDefinition, Maker][] = [
  row(messageSent, ({ experiment, ...sent }) => ({
    table: 'sent',
    values: {
      message_id: sent.messageId,
      transport: sent.transport,
      origin: sent.nodeId,
      region: sent.region,
      size_bytes: sent.sizeBytes,
      expected: sent.expected,
      expected_count: sent.expected.length,
      experiment_id: experiment?.id ?? null,
      number: experiment?.number ?? null,
      is_warmup: experiment?.isWarmup ?? false,
      intended_at: experiment?.intendedAt ?? null,
      delay_us: experiment ? microseconds(experiment.delayMs) : null,
      sent_at: sent.sentAt,
    },
  })),
  row(messageAccepted, (accepted) => ({
    table: 'outcome',
    values: {
      message_id: accepted.messageId,
      transport: accepted.transport,
      origin: accepted.nodeId,
      state: 'accepted',
      took_us: accepted.tookMs === null ? null : microseconds(accepted.tookMs),
      actor_id: accepted.actorId ?? null,
      db_version: accepted.dbVersion ?? null,
      was_read_back: accepted.wasReadBack,
      reason: null,
      at: accepted.acceptedAt,
    },
  })),
  row(messageFailed, (failed) => ({
    table: 'outcome',
    values: {
      message_id: failed.messageId,
      transport: failed.transport,
      origin: failed.nodeId,
      state: 'failed',
      took_us: null,
      actor_id: null,
      db_version: null,
      was_read_back: null,
      reason: failed.reason,
      at: failed.failedAt,
    },
  })),
  row(messagesSkipped, ({ nodeId, experimentId, transport, numbers, reason, at }) => ({
    table: 'skipped',
    values: {
      experiment_id: experimentId,
      origin: nodeId,
      transport,
      first: numbers[0],
      numbers,
      reason,
      at,
    },
  })),
  row(messageReceived, (received) => ({
    table: 'receipt',
    values: {
      message_id: received.messageId,
      transport: received.transport,
      node_id: received.nodeId,
      origin: received.originNodeId,
      via: received.via,
      received_at: received.receivedAt,
    },
  })),
  row(ackReceived, (ack) => ({
    table: 'ack',
    values: {
      message_id: ack.messageId,
      transport: ack.transport,
      node_id: ack.ackNodeId,
      origin: ack.nodeId,
      via: ack.via,
      attempts: ack.attempts,
      received_at: ack.receivedAt,
      sent_at: ack.sentAt,
      arrived_at: ack.arrivedAt,
      round_trip_us: microseconds(ack.roundTripMs),
      clock: ack.roundTripClock,
    },
  })),
  row(ackSent, (ack) => ({
    table: 'delivery',
    values: {
      message_id: ack.messageId,
      transport: ack.transport,
      node_id: ack.nodeId,
      origin: ack.originNodeId,
      state: 'sent',
      attempts: ack.attempts,
      reason: null,
      at: ack.sentAt,
    },
  })),
  row(ackFailed, (ack) => ({
    table: 'delivery',
    values: {
      message_id: ack.messageId,
      transport: ack.transport,
      node_id: ack.nodeId,
      origin: ack.originNodeId,
      state: 'failed',
      attempts: ack.attempts,
      reason: ack.reason,
      at: ack.failedAt,
    },
  })),
  row(changeObserved, (change) => ({
    table: 'sighting',
    values: {
      table_name: change.table,
      key_digest: change.keyDigest,
      row_version: change.rowVersion,
      node_id: change.nodeId,
      change: change.change,
      via: change.via,
      ...newestWrite(change.writes),
      observed_at: change.observedAt,
    },
  })),
  row(clockSampled, (sample) => ({
    table: 'clock_sample',
    values: {
      node_id: sample.nodeId,
      offset_us: sample.offsetMs * 1000,
      bound_us: sample.boundMs * 1000,
      round_trip_us: sample.roundTripMs * 1000,
      probes: sample.probes,
      drift_ppm: sample.driftPpm,
      at: sample.at,
    },
  })),
  row(messageSuspected, (message) =>
    eventRow(messageSuspected, message, message.nodeId, message.suspectedAt),
  ),
]

const Told = createParser(
  'time of an event',
  Type.Object({
    at: Timestamp,
    nodeId: Type.Optional(Type.String()),
    experimentId: Type.Optional(Type.String()),
    buildId: Type.Optional(Type.String()),
    workerId: Type.Optional(nullable(Type.String())),
    controllerId: Type.Optional(Type.String()),
  }),
)

/** `corro.message.received` → what makes its row. */
const makers = new Map<string, Maker>(
  definitionsAmong(Object.values(contracts))
    .filter((definition) => definition.kind === 'record')
    .map((event): [RecordDefinition, Maker] => [
      event,
      (payload) => {
        const known = event.parse(payload)
        const { at, nodeId, experimentId, buildId, workerId, controllerId } = Told(payload)
        const whose = nodeId ?? experimentId ?? buildId ?? workerId ?? controllerId ?? ''
        return eventRow(event, known, whose, at)
      },
    ])
    .concat(explicit)
    .map(([event, maker]) => [subjectOf(event), maker]),
)

/** Throws for what fits no contract, or has a time that does not exist. */
export function toRow(subject: string, payload: unknown): Row {
  const maker = makers.get(subject.slice(0, subject.lastIndexOf('.')))
  if (!maker) throw new Error('nothing is known of this subject')
  return maker(payload)
}

function subjectOf(event: RecordDefinition): string {
  return event.template.slice(0, event.template.lastIndexOf('.'))
}

function eventRow(event: RecordDefinition, payload: unknown, whose: string, at: string): Row {
  const subject = subjectOf(event)
  return {
    table: 'event',
    values: {
      id: event.identify(payload),
      kind: subject.slice('corro.'.length),
      subject: `${subject}.${whose}`,
      at,
      payload,
    },
  }
}

function newestWrite(writes: ChangeObserved['writes']): {
  site_id: string | null
  written_at: string | null
} {
  const newest = writes
    .map(({ siteId, hlc }) => ({ siteId, time: BigInt(hlc) }))
    .reduce<{ siteId: string; time: bigint } | undefined>(
      (best, write) => (best && best.time >= write.time ? best : write),
      undefined,
    )
  // An agent that does not know the time says 0.
  if (!newest || newest.time === 0n) return { site_id: newest?.siteId ?? null, written_at: null }
  return { site_id: newest.siteId, written_at: toTimestamp(ntp64ToMicroseconds(newest.time)) }
}

/** Seconds of the Unix epoch in the upper 32 bits, their fraction in the lower. */
function ntp64ToMicroseconds(time: bigint): number {
  return Number(time >> 32n) * 1e6 + (Number(time & 0xffffffffn) * 1e6) / 2 ** 32
}

function microseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1000)
}
