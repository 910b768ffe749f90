import type { ExperimentProgress, Share } from '@corroport/contracts'
import { sql } from 'kysely'
import type { Db } from '../store/database.ts'

/** What is stored of one origin's share. */
export interface OriginCounts {
  origin: string
  sent: number
  accepted: number
  failed: number
  skipped: number
  expectedAcks: number
  acks: number
}

/**
 * Counts all records of an experiment: a second for a million acknowledgements. Times of an origin are
 * compared with times of the same origin only, so that wrong clocks hide nothing; the bound by time
 * leaves old partitions alone.
 */
export async function countProgress(db: Db, experimentId: string): Promise<OriginCounts[]> {
  const { rows } = await sql<OriginCounts>`
    WITH mine AS MATERIALIZED (
      SELECT message_id, transport, origin, expected_count, sent_at
      FROM sent WHERE experiment_id = ${experimentId}
    ),
    earliest AS MATERIALIZED (SELECT min(sent_at) - interval '1 hour' AS at FROM mine),
    counted AS (
      SELECT origin, count(*) AS sent, 0::bigint AS accepted, 0::bigint AS failed,
        0::bigint AS skipped, 0::bigint AS expected_acks, 0::bigint AS acks
      FROM mine GROUP BY origin
      UNION ALL
      SELECT mine.origin, 0, count(*) FILTER (WHERE state = 'accepted'),
        count(*) FILTER (WHERE state = 'failed'), 0,
        coalesce(sum(expected_count) FILTER (WHERE state = 'accepted'), 0), 0
      FROM mine JOIN outcome USING (message_id, transport)
      WHERE outcome.at >= (SELECT at FROM earliest) GROUP BY mine.origin
      UNION ALL
      SELECT origin, 0, 0, 0, sum(jsonb_array_length(numbers)), 0, 0
      FROM skipped WHERE experiment_id = ${experimentId} GROUP BY origin
      UNION ALL
      SELECT mine.origin, 0, 0, 0, 0, 0, count(*)
      FROM mine JOIN ack USING (message_id, transport)
      WHERE ack.arrived_at >= (SELECT at FROM earliest) GROUP BY mine.origin
    )
    SELECT origin, sum(sent)::float8 AS sent, sum(accepted)::float8 AS accepted,
      sum(failed)::float8 AS failed, sum(skipped)::float8 AS skipped,
      sum(expected_acks)::float8 AS "expectedAcks", sum(acks)::float8 AS acks
    FROM counted GROUP BY origin ORDER BY origin`.execute(db)
  return rows
}

export function toProgress(
  shares: readonly Pick<Share, 'planned'>[],
  counts: readonly OriginCounts[],
): ExperimentProgress {
  const sum = (count: (each: OriginCounts) => number): number =>
    counts.reduce((total, each) => total + count(each), 0)
  return {
    planned: shares.reduce((total, { planned }) => total + planned, 0),
    sent: sum(({ sent }) => sent),
    accepted: sum(({ accepted }) => accepted),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
    expected_acks: sum(({ expectedAcks }) => expectedAcks),
    acks: sum(({ acks }) => acks),
  }
}
