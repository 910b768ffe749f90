import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { Database } from '../store/tables.ts'
import { worstDriftPpm } from './clock-drift.ts'

/** Length of a segment in seconds. */
export const segmentSeconds = 10

/**
 * Between two samples the mean drift is known from them. A quartz keeps it to 1 ppm for minutes; a
 * clock that is being disciplined does not, and what moves it further shows in the samples.
 */
export const wanderPpm = 20
/** Before its first and after its last sample a clock is taken to stand still, drifting at worst. */
export const holdSeconds = 60
/** The longest interval between two probes that can be set: nothing is known of a longer silence. */
export const gapSeconds = 600

// Literals: each use of a parameter would have to be given its type again.
const length = sql.lit(segmentSeconds)
const gap = sql.lit(gapSeconds)
const hold = sql.lit(holdSeconds)
const worst = sql.lit(worstDriftPpm)
const wander = sql.lit(wanderPpm)
/** So long before and after a time, samples say something about a clock then. */
export const clockMargin = `${gapSeconds + holdSeconds} seconds`

/**
 * Makes the temporary table `clock_segment (node_id text, start timestamptz, bucket bigint, offset_us
 * float8, slope float8, bound_us float8)` of this transaction: a node's clock less the one of
 * analytics at `t`, in microseconds, is `offset_us + slope × (t − start)`, and may be wrong by
 * `bound_us`; `slope` is per second. `start` is the begin of the bucket, and `bucket`
 * `floor(epoch / segmentSeconds)`, of a time **by that node's own clock**; the range is by the one of
 * analytics. What has no row is not known.
 *
 * Of each bucket the sample with the smallest bound is a knot. Between two knots the offset is a
 * straight line, wrong by the larger of their bounds, by what the offset moved beyond both of them
 * (it may have moved at any moment in between), and by `wanderPpm` of the time to the nearer knot.
 * Where it moved faster than `worstDriftPpm` the clock was set, and the times that it may have shown
 * more than once, or never, are not known. A bucket's row is the line between its two ends.
 */
export async function createClockSegments(
  transaction: Transaction<Database>,
  range: { from: string; to: string },
): Promise<void> {
  await sql`
    CREATE TEMPORARY TABLE clock_segment (
      node_id text NOT NULL,
      start timestamptz NOT NULL,
      bucket bigint NOT NULL,
      offset_us double precision NOT NULL,
      slope double precision NOT NULL,
      bound_us double precision NOT NULL,
      PRIMARY KEY (node_id, start)
    ) ON COMMIT DROP
  `.execute(transaction)

  // x: seconds by the node's own clock. A piece is a range of it that lies between two knots.
  await sql`
    INSERT INTO clock_segment
    WITH sample AS (
      SELECT node_id, extract(epoch FROM at)::float8 AS t, offset_us, bound_us,
        extract(epoch FROM at)::float8 + offset_us / 1e6 AS x
      FROM clock_sample
      WHERE at BETWEEN ${range.from}::timestamptz - ${clockMargin}::interval
                   AND ${range.to}::timestamptz + ${clockMargin}::interval
        -- 126 years: an imported or forged sample must not stand in the way of all others.
        AND abs(offset_us) < 4e15 AND bound_us BETWEEN 0 AND 4e15
    ), knot AS (
      SELECT DISTINCT ON (node_id, floor(x / ${length})) *
      FROM sample ORDER BY node_id, floor(x / ${length}), bound_us, t
    ), pair AS (
      SELECT *, lag(t) OVER w IS NULL AS is_first,
        lead(t) OVER w AS next_t, lead(x) OVER w AS next_x,
        lead(offset_us) OVER w AS next_offset, lead(bound_us) OVER w AS next_bound
      FROM knot WINDOW w AS (PARTITION BY node_id ORDER BY t)
    ), step AS (
      SELECT *, next_t - t AS seconds,
        greatest(abs(next_offset - offset_us) - bound_us - next_bound, 0) AS moved
      FROM pair
    ), judged AS (
      SELECT *, seconds <= ${gap} AND moved <= ${worst} * seconds AS is_steady FROM step
    ), piece AS (
      SELECT node_id, true AS is_known, x AS x_from, next_x AS x_to, offset_us AS o_from,
        next_offset AS o_to, greatest(bound_us, next_bound) + moved AS bound_us,
        x AS near_from, next_x AS near_to, ${wander}::float8 AS ppm
      FROM judged WHERE is_steady
      UNION ALL
      SELECT node_id, false, unknown.x_from, unknown.x_from + seconds, 0, 0, 0, 0, 0, 0
      FROM judged, LATERAL (VALUES (x), (next_x - seconds)) AS unknown (x_from)
      WHERE NOT is_steady
      UNION ALL
      SELECT node_id, true, x - ${hold}, x, offset_us, offset_us, bound_us,
        x - 2 * ${hold}, x, ${worst}
      FROM judged WHERE is_first
      UNION ALL
      SELECT node_id, true, x, x + ${hold}, offset_us, offset_us, bound_us,
        x, x + 2 * ${hold}, ${worst}
      FROM judged WHERE next_x IS NULL
    ), part AS (
      SELECT piece.*, bucket, start,
        greatest(x_from, start) AS low, least(x_to, start + ${length}) AS high
      FROM piece,
        LATERAL generate_series(
          floor(x_from / ${length})::bigint,
          floor(x_to / ${length})::bigint
        ) AS bucket,
        LATERAL (SELECT (bucket * ${length})::float8 AS start) AS began
    ), valued AS (
      SELECT *,
        o_from + (o_to - o_from) * (low - x_from) / (x_to - x_from) AS o_low,
        o_from + (o_to - o_from) * (high - x_from) / (x_to - x_from) AS o_high,
        bound_us + ppm * least((near_to - near_from) / 2, high - near_from, near_to - low) AS worst_us
      FROM part WHERE high > low
    ), line AS (
      SELECT node_id, bucket, min(start) AS start,
        max(o_low) FILTER (WHERE low = start) AS o_start,
        max(o_high) FILTER (WHERE high = start + ${length}) AS o_end,
        -- At most one knot lies in a bucket, so at most two pieces meet there.
        max(low) FILTER (WHERE low > start) AS knot_x,
        max(o_low) FILTER (WHERE low > start) AS knot_offset,
        max(worst_us) AS bound_us
      FROM valued
      GROUP BY node_id, bucket
      HAVING bool_and(is_known) AND abs(sum(high - low) - ${length}) < 1e-3
        AND min(low) = min(start) AND max(high) = min(start) + ${length}
    )
    SELECT node_id, to_timestamp(start), bucket, o_start, (o_end - o_start) / ${length},
      bound_us + coalesce(abs(
        knot_offset - o_start - (o_end - o_start) * (knot_x - start) / ${length}
      ), 0)
    FROM line
  `.execute(transaction)
  await sql`ANALYZE clock_segment`.execute(transaction)
}

// extract() gives a numeric, five times as slow, and date_bin() takes half the time of either.
const epoch = (time: string): RawBuilder<number> => sql`date_part('epoch', ${sql.ref(time)})`

/** µs since 1970, by the clock that told it. A float holds them until the year 2255. */
export const epochUs = (time: string): RawBuilder<number> => sql`(${epoch(time)} * 1000000)`

/** Whether a segment is the one of a time by a node's own clock. */
export const isSegmentOf = (
  segment: string,
  node: string,
  time: string,
): RawBuilder<boolean> => sql`
  ${sql.ref(`${segment}.node_id`)} = ${sql.ref(node)}
    AND ${sql.ref(`${segment}.start`)}
      = date_bin(${sql.lit(`${segmentSeconds} s`)}, ${sql.ref(time)}, 'epoch')`

/** µs since 1970 by the clock of analytics, of a time by the clock of the segment's node. */
export const correctedUs = (segment: string, time: string): RawBuilder<number> => {
  const [slope, offset, bucket] = ['slope', 'offset_us', 'bucket'].map((column) =>
    sql.ref(`${segment}.${column}`),
  )
  return sql`(${epoch(time)} * (1000000 - ${slope}) - ${offset} + ${slope} * (${bucket} * ${length}::float8))`
}
