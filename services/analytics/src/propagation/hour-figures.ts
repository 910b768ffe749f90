import { type Propagation, samplesNeeded } from '@corroport/contracts'
import { type RawBuilder, sql } from 'kysely'
import type { Static } from 'typebox'
import { correctedUs, isSegmentOf } from '../clocks/clock-segments.ts'

/** Who writes under which name: an agent has another one since each time that it was wiped. */
export interface Site {
  site_id: string
  origin: string
}

type Figures = Omit<Static<typeof Propagation>, 'table' | 'origin_node_id' | 'node_id' | 'hour'>

export interface HourFigures {
  table_name: string
  origin: string
  node_id: string
  hour: string
  figures: Figures
}

export interface Range {
  /** Times of Postgres, `-infinity` and `infinity` included. */
  from: string
  to: string
}

/**
 * Sights of others' writes within a range. Left out: own writes, which are read where they were
 * written; what was found by a comparison after an absence, which tells of the absence; and what was
 * written by who is not known.
 */
export function sightsOfOthers(sites: readonly Site[], { from, to }: Range): RawBuilder<unknown> {
  return sql`
    SELECT table_name, site.origin, node_id, written_at, observed_at,
      date_trunc('hour', observed_at, 'UTC') AS hour
    FROM sighting
    JOIN jsonb_to_recordset(${JSON.stringify(sites)}::jsonb) AS site (site_id text, origin text)
      USING (site_id)
    WHERE observed_at >= ${from}::timestamptz AND observed_at < ${to}::timestamptz
      AND via <> 'catch-up' AND written_at IS NOT NULL AND site.origin <> node_id`
}

/**
 * One row for each table, origin, receiver and hour (by the receiver's clock): the time from the
 * write to the sight, both times corrected by what is known of their clocks. Needs the table
 * `clock_segment` of its transaction.
 */
export function hourFigures(sites: readonly Site[], range: Range): RawBuilder<HourFigures> {
  const { from, to } = range
  return sql<HourFigures>`
    SELECT table_name, origin, node_id, hour, jsonb_build_object(
      'n', n,
      'negatives', negatives,
      'without_clock', sights - n,
      'p50_ms', round(percentiles[1] / 1000.0, 3),
      'p95_ms', CASE WHEN n >= ${samplesNeeded.p95} THEN round(percentiles[2] / 1000.0, 3) END,
      'p99_ms', CASE WHEN n >= ${samplesNeeded.p99} THEN round(percentiles[3] / 1000.0, 3) END,
      'max_ms', round(longest / 1000.0, 3),
      'bound_ms', round(bound_us::numeric / 1000, 3),
      'corrosion_p99_lag_ms', (
        SELECT round((payload->'agent'->>'p99LagSeconds')::numeric * 1000, 3)
        FROM event
        WHERE kind = 'node.sampled' AND at >= hour AND at < hour + interval '1 hour'
          AND payload->>'nodeId' = summed.node_id
          AND payload->'agent'->>'p99LagSeconds' IS NOT NULL
        ORDER BY at DESC LIMIT 1
      )
    ) AS figures
    FROM (
      SELECT table_name, origin, node_id, hour, count(*) AS sights, count(us) AS n,
        count(*) FILTER (WHERE us < 0) AS negatives, max(us) AS longest, max(bound_us) AS bound_us,
        percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY us) AS percentiles
      FROM (
        SELECT sight.table_name, sight.origin, sight.node_id, hour,
          receiver.bound_us + writer.bound_us AS bound_us,
          (${correctedUs('receiver', 'observed_at')} - ${correctedUs('writer', 'written_at')})::bigint
            AS us
        FROM (${sightsOfOthers(sites, { from, to })}) AS sight
        LEFT JOIN clock_segment AS receiver
          ON ${isSegmentOf('receiver', 'sight.node_id', 'observed_at')}
        LEFT JOIN clock_segment AS writer
          ON ${isSegmentOf('writer', 'sight.origin', 'written_at')}
      ) AS measured
      GROUP BY table_name, origin, node_id, hour
    ) AS summed`
}
