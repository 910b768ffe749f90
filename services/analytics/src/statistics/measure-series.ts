import type { TransportFigures } from '@corroport/contracts'
import { sql, type Transaction } from 'kysely'
import type { Database } from '../store/tables.ts'
import { linearEdges, mostLinear } from './buckets.ts'
import { nothingMeasured, type Spread, spreadOf, toDistribution } from './distribution.ts'

interface Slice {
  slice: number
  sent: number
  accepted: number
  expected_acks: number
  round_trip: Spread | null
}

const usOfSecond = 1e6

/**
 * Counts and round trips over the time of sending, from what `countRecords` made. An acknowledgement
 * is in the slice of its message, however late it came.
 */
export async function measureSeries(
  transaction: Transaction<Database>,
): Promise<TransportFigures['series']> {
  const { rows: ranges } = await sql<{ first: number | null; last: number; sent: number }>`
    SELECT min(since_start) AS first, max(since_start) AS last, count(*)::integer AS sent
    FROM counted_message`.execute(transaction)
  const [range] = ranges
  if (!range || range.first === null) return []
  const edges = linearEdges(range.first, range.last, Math.min(mostLinear, range.sent))
  const { rows } = await sql<Slice>`
    WITH sliced AS (
      SELECT message, state, roster, width_bucket(since_start, ${edges}::float8[]) AS slice
      FROM counted_message
    )
    SELECT slice, sent, accepted, expected_acks, round_trip
    FROM (
      SELECT slice, count(*)::integer AS sent,
        count(*) FILTER (WHERE state = 'accepted')::integer AS accepted,
        coalesce(sum(receivers) FILTER (WHERE state = 'accepted'), 0)::float8 AS expected_acks
      FROM sliced JOIN counted_roster USING (roster) GROUP BY slice
    ) m
    LEFT JOIN (
      SELECT slice, ${spreadOf('round_trip')} AS round_trip
      FROM counted_ack JOIN sliced USING (message) GROUP BY slice
    ) a USING (slice)`.execute(transaction)
  const bySlice = new Map(rows.map((row) => [row.slice, row]))
  return edges.slice(1).map((to, index) => {
    const { sent, accepted, expected_acks, round_trip: spread } = bySlice.get(index + 1) ?? nothing
    const round_trip = toDistribution(spread ?? nothingMeasured.round_trip)
    return {
      from_s: (edges[index] ?? 0) / usOfSecond,
      to_s: to / usOfSecond,
      sent,
      accepted,
      expected_acks,
      lost: expected_acks - round_trip.n,
      round_trip,
    }
  })
}

const nothing = { sent: 0, accepted: 0, expected_acks: 0, round_trip: null }
