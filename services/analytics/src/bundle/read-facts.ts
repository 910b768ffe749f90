import type { StoredEvent } from '@corroport/contracts'
import { type RawBuilder, sql } from 'kysely'
import type { Db } from '../store/database.ts'
import { isoTime } from '../store/sql-time.ts'
import { recordOfKind } from './stored-kinds.ts'

type Kind = StoredEvent['kind']

/** Events that belong together: a page holds all of them or none. */
export interface Group {
  key: string
  events: StoredEvent[]
}

/** Those after a key, some of them: the last key that was looked at, undefined at the end. */
export interface Chunk {
  groups: Group[]
  last: string | undefined
}

export interface Subject {
  id: string
  /** As many rows as one message has of a kind. */
  receivers: number
  from: string
  to: string
  /** Which clock samples its figures are made with. */
  clocksFrom: string
  clocksTo: string
}

type Read = (db: Db, subject: Subject, after: string) => Promise<Chunk>

const rowsAtOnce = 2000
const samplesAtOnce = 500

/** In the order of a bundle. */
export const readFacts: readonly { kind: Kind; read: Read }[] = [
  {
    kind: 'sent',
    read: ofMessages<{
      message_id: string
      transport: string
      origin: string
      region: string
      size_bytes: number
      expected: unknown
      id: string
      number: number
      is_warmup: boolean
      intended_at: string | null
      delay_us: string
      sent_at: string
    }>(
      'sent',
      (ids) => sql`
        SELECT message_id, transport, origin, region, size_bytes, expected, experiment_id AS id,
          number, is_warmup, ${isoTime('intended_at')} AS intended_at, delay_us,
          ${isoTime('sent_at')} AS sent_at
        FROM sent WHERE message_id = ANY(${ids}) ORDER BY message_id, sent.sent_at`,
      (row) => ({
        nodeId: row.origin,
        messageId: row.message_id,
        transport: row.transport,
        region: row.region,
        sizeBytes: row.size_bytes,
        expected: row.expected,
        sentAt: row.sent_at,
        experiment: {
          id: row.id,
          number: row.number,
          isWarmup: row.is_warmup,
          intendedAt: row.intended_at,
          delayMs: milliseconds(row.delay_us),
        },
      }),
    ),
  },
  {
    kind: 'accepted',
    read: ofMessages<{
      message_id: string
      transport: string
      origin: string
      took_us: string | null
      actor_id: string | null
      db_version: string | null
      was_read_back: boolean
      at: string
    }>(
      'accepted',
      (ids) => sql`
        SELECT message_id, transport, origin, took_us, actor_id, db_version, was_read_back,
          ${isoTime('at')} AS at
        FROM outcome WHERE message_id = ANY(${ids}) AND state = 'accepted'
        ORDER BY message_id, outcome.at`,
      (row) => ({
        nodeId: row.origin,
        messageId: row.message_id,
        transport: row.transport,
        ...(row.actor_id !== null && { actorId: row.actor_id }),
        ...(row.db_version !== null && { dbVersion: row.db_version }),
        acceptedAt: row.at,
        tookMs: row.took_us === null ? null : milliseconds(row.took_us),
        wasReadBack: row.was_read_back,
      }),
    ),
  },
  {
    kind: 'failed',
    read: ofMessages<{
      message_id: string
      transport: string
      origin: string
      reason: string
      at: string
    }>(
      'failed',
      (ids) => sql`
        SELECT message_id, transport, origin, reason, ${isoTime('at')} AS at
        FROM outcome WHERE message_id = ANY(${ids}) AND state = 'failed'
        ORDER BY message_id, outcome.at`,
      (row) => ({
        nodeId: row.origin,
        messageId: row.message_id,
        transport: row.transport,
        reason: row.reason,
        failedAt: row.at,
      }),
    ),
  },
  { kind: 'skipped', read: readSkipped },
  {
    kind: 'received',
    read: ofMessages<{
      message_id: string
      transport: string
      node_id: string
      origin: string
      via: string
      received_at: string
    }>(
      'received',
      (ids) => sql`
        SELECT message_id, transport, node_id, origin, via, ${isoTime('received_at')} AS received_at
        FROM receipt WHERE message_id = ANY(${ids})
        ORDER BY message_id, node_id, transport, receipt.received_at`,
      (row) => ({
        nodeId: row.node_id,
        messageId: row.message_id,
        transport: row.transport,
        originNodeId: row.origin,
        via: row.via,
        receivedAt: row.received_at,
      }),
    ),
  },
  {
    kind: 'acked',
    read: ofMessages<{
      message_id: string
      transport: string
      node_id: string
      origin: string
      via: string
      attempts: number
      received_at: string | null
      sent_at: string | null
      arrived_at: string
      round_trip_us: string
      clock: string
    }>(
      'acked',
      (ids) => sql`
        SELECT message_id, transport, node_id, origin, via, attempts,
          ${isoTime('received_at')} AS received_at, ${isoTime('sent_at')} AS sent_at,
          ${isoTime('arrived_at')} AS arrived_at, round_trip_us, clock
        FROM ack WHERE message_id = ANY(${ids})
        ORDER BY message_id, node_id, transport, ack.arrived_at`,
      (row) => ({
        nodeId: row.origin,
        messageId: row.message_id,
        transport: row.transport,
        ackNodeId: row.node_id,
        via: row.via,
        attempts: row.attempts,
        receivedAt: row.received_at,
        sentAt: row.sent_at,
        arrivedAt: row.arrived_at,
        roundTripMs: milliseconds(row.round_trip_us),
        roundTripClock: row.clock,
      }),
    ),
  },
  { kind: 'clock', read: readClockSamples },
  { kind: 'sample', read: ofEvents('sample', 'node.sampled') },
  // Their flush lag is a figure of the experiment.
  { kind: 'audit', read: ofEvents('audit', 'subscription.audited') },
]

/** Some messages at a time, so that a page looks at few of a million rows, by the primary key. */
function ofMessages<Row extends { message_id: string }>(
  kind: Kind,
  query: (ids: RawBuilder<unknown>) => RawBuilder<Row>,
  toEvent: (row: Row) => unknown,
): Read {
  return async (db, { id, receivers }, after) => {
    const messages = Math.max(1, Math.floor(rowsAtOnce / Math.max(receivers, 1)))
    const sent = await db
      .selectFrom('sent')
      .select('message_id')
      .where('experiment_id', '=', id)
      .where('message_id', '>', after)
      .orderBy('message_id')
      .limit(messages)
      .execute()
    if (sent.length === 0) return { groups: [], last: undefined }
    const ids = sql`${sent.map(({ message_id }) => message_id)}::text[]`
    const { rows } = await query(ids).execute(db)
    const groups = Map.groupBy(rows, (row) => row.message_id)
    return {
      groups: [...groups].map(([key, ofMessage]) => ({
        key,
        events: ofMessage.map((row) => told(kind, toEvent(row))),
      })),
      last: sent.at(-1)?.message_id,
    }
  }
}

async function readSkipped(db: Db, { id }: Subject, after: string): Promise<Chunk> {
  const [origin = '', transport = '', first = '-1'] = after.split('/')
  const { rows } = await sql<{
    origin: string
    transport: string
    first: number
    numbers: unknown
    reason: string
    at: string
  }>`
    SELECT origin, transport, first, numbers, reason, ${isoTime('at')} AS at
    FROM skipped
    WHERE experiment_id = ${id}
      AND (origin, transport, first) > (${origin}, ${transport}, ${Number(first)}::integer)
    ORDER BY origin, transport, first LIMIT 100`.execute(db)
  return oneByOne('skipped', rows, (row) => ({
    key: `${row.origin}/${row.transport}/${row.first}`,
    event: {
      nodeId: row.origin,
      experimentId: id,
      transport: row.transport,
      numbers: row.numbers,
      reason: row.reason,
      at: row.at,
    },
  }))
}

async function readClockSamples(db: Db, subject: Subject, after: string): Promise<Chunk> {
  const [at = '', nodeId = ''] = after.split('/')
  const { rows } = await sql<{
    node_id: string
    at: string
    offset_us: number
    bound_us: number
    round_trip_us: number
    probes: number
    drift_ppm: number | null
  }>`
    SELECT node_id, ${isoTime('at')} AS at, offset_us, bound_us, round_trip_us, probes, drift_ppm
    FROM clock_sample
    WHERE (clock_sample.at, node_id) > (${at || subject.clocksFrom}::timestamptz, ${nodeId})
      AND clock_sample.at <= ${subject.clocksTo}::timestamptz
    ORDER BY clock_sample.at, node_id LIMIT ${samplesAtOnce}`.execute(db)
  return oneByOne('clock', rows, (row) => ({
    key: `${row.at}/${row.node_id}`,
    event: {
      nodeId: row.node_id,
      at: row.at,
      offsetMs: row.offset_us / 1000,
      boundMs: row.bound_us / 1000,
      roundTripMs: row.round_trip_us / 1000,
      probes: row.probes,
      driftPpm: row.drift_ppm,
    },
  }))
}

function ofEvents(kind: Kind, stored: string): Read {
  return async (db, { from, to }, after) => {
    const [at = '', ...rest] = after.split('/')
    const { rows } = await sql<{ id: string; at: string; payload: unknown }>`
      SELECT id, ${isoTime('at')} AS at, payload FROM event
      WHERE kind = ${stored}
        AND (event.at, id) > (${at || from}::timestamptz, ${rest.join('/')})
        AND event.at <= ${to}::timestamptz
      ORDER BY event.at, id LIMIT ${samplesAtOnce}`.execute(db)
    return oneByOne(kind, rows, (row) => ({ key: `${row.at}/${row.id}`, event: row.payload }))
  }
}

function oneByOne<Row>(
  kind: Kind,
  rows: readonly Row[],
  toKeyed: (row: Row) => { key: string; event: unknown },
): Chunk {
  const groups = rows.map((row) => {
    const { key, event } = toKeyed(row)
    return { key, events: [told(kind, event)] }
  })
  return { groups, last: groups.at(-1)?.key }
}

/** What cannot be told again as it was told would not be taken by an import either. */
function told(kind: Kind, event: unknown): StoredEvent {
  return { kind, event: recordOfKind[kind].parse(event) }
}

const milliseconds = (microseconds: string): number => Number(microseconds) / 1000
