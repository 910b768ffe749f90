import { sql, type Transaction } from 'kysely'
import { correctedUs, createClockSegments, epochUs, isSegmentOf } from '../clocks/clock-segments.ts'
import { isoTime } from '../store/sql-time.ts'
import type { Database } from '../store/tables.ts'

/** Blocks of consecutive messages, for comparisons: at most so many of a transport. */
const blocks = 200

/** Which clocks are looked at: of the time of the experiment, and so long after its deadline. */
export const lateMargin = '10 minutes'

// An acknowledgement is never stored under a day before its message was sent. Partitions before that
// are not looked through.
const earliestAck = '1 day'

/** The clocks of all nodes while an experiment ran, as `createClockSegments` says. */
export async function readClocks(
  transaction: Transaction<Database>,
  experimentId: string,
): Promise<void> {
  const { rows } = await sql<{ from: string; to: string }>`
    SELECT ${isoTime('x.began')} AS "from", ${isoTime('x.ended')} AS "to"
    FROM (
      SELECT coalesce(started_at, created_at) AS began,
        least(now(), coalesce(deadline_at, finished_at, now()) + ${lateMargin}::interval) AS ended
      FROM experiment WHERE id = ${experimentId}
    ) x`.execute(transaction)
  const [range] = rows
  if (!range) throw new Error(`there is no experiment ${experimentId}`)
  await createClockSegments(transaction, range)
}

/**
 * Reads what is stored of one transport of an experiment, once, into temporary tables:
 *
 * - `counted_message`: what was sent after the warm-up, in its order; `block` of the accepted ones;
 *   `since_start` in microseconds, by the clock of analytics where the origin's is known
 * - `counted_roster`: messages of an origin that expect the same receivers, and how many these are
 * - `counted_pair`: origin and expected receiver, with the receiver's region
 * - `counted_ack`: what arrived from expected receivers of accepted messages, in microseconds
 *
 * Every figure is made from these, so that all figures tell of the same records.
 */
export async function countRecords(
  transaction: Transaction<Database>,
  experimentId: string,
  transport: string,
): Promise<void> {
  await sql`
    CREATE TEMPORARY TABLE counted_message ON COMMIT DROP AS
    SELECT message.*,
      CASE WHEN state = 'accepted' THEN ((
        count(*) FILTER (WHERE state = 'accepted') OVER (ORDER BY message)
        - 1) * least(${blocks}, accepted) / accepted)::integer END AS block
    FROM (
      SELECT row_number() OVER (ORDER BY s.number, s.message_id)::integer AS message,
        s.message_id, s.origin, ${rosterOf} AS roster, s.sent_at, s.delay_us,
        coalesce(o.state, 'sent') AS state, o.took_us,
        count(*) FILTER (WHERE o.state = 'accepted') OVER () AS accepted,
        ${correctedUs('g', 's.sent_at')} AS corrected_us, g.bound_us,
        round(coalesce(${correctedUs('g', 's.sent_at')}, ${epochUs('s.sent_at')})
          - ${epochUs('x.began')}) AS since_start,
        x.deadline_at
          + coalesce(${epochUs('s.sent_at')} - ${correctedUs('g', 's.sent_at')}, 0) * interval '1 us'
          AS late_after
      FROM sent s
      CROSS JOIN (
        SELECT deadline_at, coalesce(started_at, created_at) AS began
        FROM experiment WHERE id = ${experimentId}
      ) x
      LEFT JOIN outcome o ON o.message_id = s.message_id AND o.transport = s.transport
      LEFT JOIN clock_segment g ON ${isSegmentOf('g', 's.origin', 's.sent_at')}
      WHERE s.experiment_id = ${experimentId} AND s.transport = ${transport} AND NOT s.is_warmup
    ) message`.execute(transaction)
  await sql`
    CREATE TEMPORARY TABLE counted_receiver ON COMMIT DROP AS
    SELECT roster, node_id, dense_rank() OVER (ORDER BY origin, node_id)::integer AS pair
    FROM (
      SELECT DISTINCT m.roster, m.origin, receiver ->> 'nodeId' AS node_id
      FROM (
        SELECT roster, min(message_id) AS message_id FROM counted_message GROUP BY roster
      ) first
      JOIN counted_message m USING (message_id)
      JOIN sent s ON s.message_id = m.message_id AND s.sent_at = m.sent_at,
        jsonb_array_elements(s.expected) AS receiver
      WHERE receiver ->> 'nodeId' <> m.origin
    ) r`.execute(transaction)
  await sql`
    CREATE TEMPORARY TABLE counted_roster ON COMMIT DROP AS
    SELECT roster, origin, messages, accepted, count(r.node_id)::integer AS receivers
    FROM (
      SELECT roster, origin, count(*) AS messages,
        count(*) FILTER (WHERE state = 'accepted') AS accepted
      FROM counted_message GROUP BY roster, origin
    ) m
    LEFT JOIN counted_receiver r USING (roster)
    GROUP BY roster, origin, messages, accepted`.execute(transaction)
  await sql`
    CREATE TEMPORARY TABLE counted_pair ON COMMIT DROP AS
    SELECT pair, m.origin, p.node_id, coalesce(e.region, h.region) AS region,
      sum(m.accepted)::integer AS expected,
      dense_rank() OVER (ORDER BY p.node_id)::integer AS receiver,
      dense_rank() OVER (ORDER BY coalesce(e.region, h.region))::integer AS place
    FROM counted_receiver p
    JOIN counted_roster m USING (roster)
    LEFT JOIN (
      SELECT node ->> 'node_id' AS node_id, max(node ->> 'region') AS region
      FROM experiment, jsonb_array_elements(environment -> 'nodes') AS node
      WHERE id = ${experimentId} GROUP BY 1
    ) e USING (node_id)
    LEFT JOIN (
      SELECT origin AS node_id, max(region) AS region
      FROM sent WHERE experiment_id = ${experimentId} GROUP BY origin
    ) h USING (node_id)
    GROUP BY pair, m.origin, p.node_id, coalesce(e.region, h.region)`.execute(transaction)
  await sql`
    ANALYZE counted_message, counted_receiver, counted_roster, counted_pair
  `.execute(transaction)
  await sql`
    CREATE TEMPORARY TABLE counted_ack ON COMMIT DROP AS
    SELECT m.message, m.block, p.pair,
      a.round_trip_us AS round_trip,
      a.round_trip_us + m.delay_us AS from_intended,
      (${correctedUs('g', 'a.received_at')} - m.corrected_us)::bigint AS one_way,
      g.bound_us + m.bound_us AS bound,
      coalesce(a.arrived_at > m.late_after, false) AS is_late,
      a.attempts > 1 AS is_retried,
      a.clock = 'wall' AS is_wall
    FROM counted_message m
    JOIN ack a ON a.message_id = m.message_id AND a.transport = ${transport}
    JOIN counted_receiver p ON p.roster = m.roster AND p.node_id = a.node_id
    LEFT JOIN clock_segment g ON ${isSegmentOf('g', 'a.node_id', 'a.received_at')}
    WHERE m.state = 'accepted'
      AND a.arrived_at >= (SELECT min(sent_at) - ${earliestAck}::interval FROM counted_message)
  `.execute(transaction)
}

export async function forgetRecords(transaction: Transaction<Database>): Promise<void> {
  await sql`
    DROP TABLE counted_message, counted_receiver, counted_roster, counted_pair, counted_ack
  `.execute(transaction)
}

// Nearly all messages expect the same receivers: their lists are taken apart once. They are told
// apart by 64 bits of hash, since comparing the lists themselves takes a tenth of all the time.
const rosterOf = sql`jsonb_hash_extended(s.expected, hashtextextended(s.origin, 0))`
