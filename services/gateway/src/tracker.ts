import type { StateFile } from '@corroport/bus'
import {
  type AckReceived,
  ackReceived,
  createParser,
  type ExperimentSlot,
  fromTimestamp,
  MessageDetail,
  type MessageSent,
  messageAccepted,
  messageFailed,
  messageSent,
  nowMicroseconds,
  nullable,
  Transport,
  toTimestamp,
} from '@corroport/contracts'
import { type Static, Type } from 'typebox'
import type { OriginClock } from './origin-clock.ts'

export const migrations = [
  `CREATE TABLE message (
     id INTEGER PRIMARY KEY,
     message_id TEXT NOT NULL UNIQUE,
     transport TEXT NOT NULL,
     state TEXT NOT NULL,
     reason TEXT,
     expected TEXT NOT NULL,
     missing INTEGER NOT NULL,
     sent_at TEXT NOT NULL,
     accepted_at TEXT,
     clock_id TEXT NOT NULL,
     clock_microseconds INTEGER NOT NULL,
     is_finished INTEGER GENERATED ALWAYS AS
       (state = 'failed' OR (state = 'accepted' AND missing = 0)) VIRTUAL
   ) STRICT;
   CREATE INDEX message_unsettled ON message (id) WHERE state = 'sent';
   CREATE INDEX message_oldest_finished ON message (is_finished DESC, id);
   CREATE TABLE ack (
     message_id TEXT NOT NULL REFERENCES message (message_id) ON DELETE CASCADE,
     node_id TEXT NOT NULL,
     via TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     received_at TEXT,
     arrived_at TEXT NOT NULL,
     round_trip_ms REAL NOT NULL,
     PRIMARY KEY (message_id, node_id)
   ) STRICT, WITHOUT ROWID;`,
]

export interface Armed {
  messageId: string
  transport: Transport
  sizeBytes: number
  expected: MessageSent['expected']
  sentAt: string
  experiment?: ExperimentSlot | undefined
}

/** An acknowledgement whose sender is proven. */
export type ProvenAck = Pick<
  AckReceived,
  'messageId' | 'transport' | 'ackNodeId' | 'via' | 'attempts' | 'receivedAt' | 'sentAt'
>

export interface Arrival {
  microseconds: number
  clockMicroseconds: number
}

export interface Unsettled {
  messageId: string
  transport: Transport
  isAcknowledged: boolean
}

const Settled = Type.Object({ transport: Transport })
const Accepted = Type.Object({
  transport: Transport,
  clock_id: Type.String(),
  clock_microseconds: Type.Integer(),
})

const MessageRow = Type.Object({
  message_id: Type.String(),
  transport: Transport,
  state: MessageDetail.properties.status,
  reason: nullable(Type.String()),
  expected: Type.String(),
  sent_at: Type.String(),
  accepted_at: nullable(Type.String()),
  clock_id: Type.String(),
  clock_microseconds: Type.Integer(),
})
type MessageRow = Static<typeof MessageRow>

const AckRow = Type.Object({
  node_id: Type.String(),
  via: Type.String(),
  attempts: Type.Integer(),
  received_at: nullable(Type.String()),
  arrived_at: Type.String(),
  round_trip_ms: Type.Number(),
})
type AckRow = Static<typeof AckRow>

const UnsettledRow = Type.Object({
  message_id: Type.String(),
  transport: Transport,
  is_acknowledged: Type.Integer(),
})

const parseSettled = createParser('settled message', Settled)
const parseAccepted = createParser('accepted message', Accepted)
const parseMessage = createParser('tracked message', MessageRow)
const parseAck = createParser('stored acknowledgement', AckRow)
const parseUnsettled = createParser('unsettled message', UnsettledRow)
const parseExpected = createParser('expected receivers', messageSent.schema.properties.expected)

/** Messages of this node, and who acknowledged them. Each change is told in its own transaction. */
export interface Tracker {
  readonly count: number
  /** Before anything leaves the node, so that no acknowledgement can come too early. */
  arm(message: Armed): void
  /** False when it was settled before. */
  accept(
    messageId: string,
    how: { actorId?: string; dbVersion?: string; wasReadBack: boolean },
  ): boolean
  fail(messageId: string, reason: string): boolean
  /** With the round trip in milliseconds when it is the first of its node. */
  acknowledge(ack: ProvenAck, arrival: Arrival): number | 'duplicate' | 'unknown'
  detail(messageId: string): MessageDetail | null
  /** Messages of which nobody knows yet whether they were written, oldest first. */
  unsettled(): Unsettled[]
  /** Forgets everything; returns how many messages that were. */
  reset(): number
}

export interface TrackerOptions {
  state: StateFile
  clock: OriginClock
  nodeId: string
  region: string
  limit: number
}

const unsettledAtOnce = 200

export function createTracker({ state, clock, nodeId, region, limit }: TrackerOptions): Tracker {
  const { db } = state
  const insertMessage = db.prepare(
    `INSERT INTO message
       (message_id, transport, state, expected, missing, sent_at, clock_id, clock_microseconds,
        experiment_id)
     VALUES (?, ?, 'sent', ?, ?, ?, ?, ?, ?)`,
  )
  const evict = db.prepare(
    `DELETE FROM message
     WHERE id IN (SELECT id FROM message ORDER BY is_finished DESC, id LIMIT ?)`,
  )
  const markAccepted = db.prepare(
    `UPDATE message SET state = 'accepted', accepted_at = ?
     WHERE message_id = ? AND state = 'sent' RETURNING transport, clock_id, clock_microseconds`,
  )
  const markFailed = db.prepare(
    `UPDATE message SET state = 'failed', reason = ?
     WHERE message_id = ? AND state = 'sent' RETURNING transport`,
  )
  const selectMessage = db.prepare('SELECT * FROM message WHERE message_id = ?')
  const insertAck = db.prepare(
    'INSERT INTO ack VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const countDown = db.prepare('UPDATE message SET missing = missing - 1 WHERE message_id = ?')
  const selectAcks = db.prepare('SELECT * FROM ack WHERE message_id = ? ORDER BY arrived_at')
  const selectUnsettled = db.prepare(
    `SELECT message_id, transport,
       EXISTS (SELECT 1 FROM ack WHERE ack.message_id = message.message_id) AS is_acknowledged
     FROM message WHERE state = 'sent' ORDER BY id LIMIT ${unsettledAtOnce}`,
  )
  const deleteAll = db.prepare('DELETE FROM message')
  let count = Number(db.prepare('SELECT count(*) AS count FROM message').get()?.count ?? 0)

  const find = (messageId: string): MessageRow | undefined => {
    const row = selectMessage.get(messageId)
    return row && parseMessage(row)
  }

  return {
    get count() {
      return count
    },

    arm({ messageId, transport, sizeBytes, expected, sentAt, experiment }) {
      const evicted = state.transaction((tell) => {
        const excess = count + 1 - limit
        const gone = excess > 0 ? Number(evict.run(excess).changes) : 0
        const payload = { nodeId, messageId, transport, region, sizeBytes, expected, sentAt }
        tell(messageSent, { nodeId }, { ...payload, ...(experiment && { experiment }) })
        insertMessage.run(
          messageId,
          transport,
          JSON.stringify(expected),
          expected.length,
          sentAt,
          clock.id,
          clock.nowMicroseconds(),
          experiment?.id ?? null,
        )
        return gone
      })
      count += 1 - evicted
    },

    accept(messageId, how) {
      const acceptedAt = toTimestamp(nowMicroseconds())
      return state.transaction((tell) => {
        const row = markAccepted.get(acceptedAt, messageId)
        if (!row) return false
        const { transport, clock_id, clock_microseconds } = parseAccepted(row)
        const isMeasured = clock_id === clock.id && !how.wasReadBack
        const tookMs = isMeasured ? (clock.nowMicroseconds() - clock_microseconds) / 1000 : null
        const event = { nodeId, messageId, transport, acceptedAt, tookMs, ...how }
        tell(messageAccepted, { nodeId }, event)
        return true
      })
    },

    fail(messageId, reason) {
      const failedAt = toTimestamp(nowMicroseconds())
      return state.transaction((tell) => {
        const row = markFailed.get(reason, messageId)
        if (!row) return false
        const { transport } = parseSettled(row)
        tell(messageFailed, { nodeId }, { nodeId, messageId, transport, reason, failedAt })
        return true
      })
    },

    acknowledge(ack, arrival) {
      return state.transaction((tell) => {
        const message = find(ack.messageId)
        if (!message || message.transport !== ack.transport) return 'unknown'
        const { roundTripMs, roundTripClock } = roundTrip(message, arrival, clock.id)
        const arrivedAt = toTimestamp(arrival.microseconds)
        const { changes } = insertAck.run(
          ack.messageId,
          ack.ackNodeId,
          ack.via,
          ack.attempts,
          ack.receivedAt,
          arrivedAt,
          roundTripMs,
        )
        if (changes === 0) return 'duplicate'
        if (isExpected(message, ack.ackNodeId)) countDown.run(ack.messageId)
        tell(ackReceived, { nodeId }, { nodeId, ...ack, arrivedAt, roundTripMs, roundTripClock })
        return roundTripMs
      })
    },

    detail(messageId) {
      const message = find(messageId)
      if (!message) return null
      const acks = selectAcks.all(messageId).map(parseAck)
      return detailOf(nodeId, message, acks)
    },

    unsettled: () =>
      selectUnsettled
        .all()
        .map(parseUnsettled)
        .map(({ message_id: messageId, transport, is_acknowledged: acks }) => ({
          messageId,
          transport,
          isAcknowledged: acks === 1,
        })),

    reset() {
      const forgotten = state.transaction(() => Number(deleteAll.run().changes))
      count = 0
      return forgotten
    },
  }
}

function roundTrip(
  message: MessageRow,
  arrival: Arrival,
  clockId: string,
): Pick<AckReceived, 'roundTripMs' | 'roundTripClock'> {
  const elapsed = arrival.clockMicroseconds - message.clock_microseconds
  // A clock that went back is another clock: one of another time namespace.
  if (message.clock_id === clockId && elapsed >= 0) {
    return { roundTripMs: elapsed / 1000, roundTripClock: 'monotonic' }
  }
  const sentAt = fromTimestamp(message.sent_at) ?? arrival.microseconds
  return { roundTripMs: (arrival.microseconds - sentAt) / 1000, roundTripClock: 'wall' }
}

function expectedOf(message: MessageRow): MessageSent['expected'] {
  return parseExpected(JSON.parse(message.expected))
}

function isExpected(message: MessageRow, nodeId: string): boolean {
  return expectedOf(message).some((receiver) => receiver.nodeId === nodeId)
}

function detailOf(nodeId: string, message: MessageRow, acks: AckRow[]): MessageDetail {
  const expected = expectedOf(message)
  const acknowledged = new Set(acks.map((ack) => ack.node_id))
  return {
    pk: message.message_id,
    node_id: nodeId,
    transport: message.transport,
    status: message.state,
    reason: message.reason,
    sent_at: message.sent_at,
    accepted_at: message.accepted_at,
    expected: expected.map((receiver) => ({
      node_id: receiver.nodeId,
      was_present: receiver.wasPresent,
    })),
    acks: acks.map((ack) => ({
      node_id: ack.node_id,
      round_trip_ms: ack.round_trip_ms,
      acknowledged_at: ack.arrived_at,
      received_at: ack.received_at,
      via: ack.via,
      attempts: ack.attempts,
    })),
    missing: expected.map((receiver) => receiver.nodeId).filter((id) => !acknowledged.has(id)),
  }
}
