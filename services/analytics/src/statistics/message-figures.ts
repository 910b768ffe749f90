import type { MessageFigures } from '@corroport/contracts'
import { sql } from 'kysely'
import type { Db } from '../store/database.ts'
import { isoTime } from '../store/sql-time.ts'
import { toMilliseconds } from './distribution.ts'

export interface MessagePlace {
  number: number
  messageId: string
}

type Times = 'sender_delay_ms' | 'min_ms' | 'mean_ms' | 'median_ms' | 'max_ms'

interface Row extends Omit<MessageFigures, Times> {
  number: number
  delay_us: number | null
  min_us: number | null
  mean_us: number | null
  median_us: number | null
  max_us: number | null
}

/** The messages after a place in the order of sending. Acknowledgements of expected receivers count. */
export async function readMessages(
  db: Db,
  { experimentId, after, limit }: { experimentId: string; after: MessagePlace; limit: number },
): Promise<(MessageFigures & { number: number })[]> {
  const { rows } = await sql<Row>`
    SELECT s.message_id, s.transport, s.origin AS origin_node_id, s.number, s.is_warmup,
      ${isoTime('s.intended_at')} AS intended_at, ${isoTime('s.sent_at')} AS sent_at,
      coalesce(o.state, 'sent') AS status, s.delay_us::float8,
      coalesce(a.acks, 0) AS acks, e.expected, a.min_us, a.mean_us, a.median_us, a.max_us, e.missing
    FROM (
      SELECT * FROM sent
      WHERE experiment_id = ${experimentId}
        AND (number, message_id) > (${after.number}::bigint, ${after.messageId})
      ORDER BY number, message_id LIMIT ${limit}
    ) s
    LEFT JOIN outcome o ON o.message_id = s.message_id AND o.transport = s.transport
    CROSS JOIN LATERAL (
      SELECT array_agg(DISTINCT receiver ->> 'nodeId') AS nodes
      FROM jsonb_array_elements(s.expected) AS receiver WHERE receiver ->> 'nodeId' <> s.origin
    ) r
    LEFT JOIN LATERAL (
      SELECT count(*)::integer AS acks, array_agg(node_id) AS nodes,
        min(round_trip_us)::float8 AS min_us, max(round_trip_us)::float8 AS max_us,
        avg(round_trip_us)::float8 AS mean_us,
        (percentile_disc(0.5) WITHIN GROUP (ORDER BY round_trip_us))::float8 AS median_us
      FROM ack
      WHERE ack.message_id = s.message_id AND ack.transport = s.transport
        AND node_id = ANY (r.nodes)
    ) a ON true
    CROSS JOIN LATERAL (
      SELECT count(node)::integer AS expected,
        coalesce(json_agg(node ORDER BY node) FILTER (WHERE node <> ALL (coalesce(a.nodes, '{}'))), '[]')
          AS missing
      FROM unnest(r.nodes) AS node
    ) e
    ORDER BY s.number, s.message_id`.execute(db)
  return rows.map(({ delay_us, min_us, mean_us, median_us, max_us, ...row }) => ({
    ...row,
    sender_delay_ms: inMs(delay_us),
    min_ms: inMs(min_us),
    mean_ms: inMs(mean_us),
    median_ms: inMs(median_us),
    max_ms: inMs(max_us),
  }))
}

const inMs = (us: number | null): number | null => (us === null ? null : toMilliseconds(us))
