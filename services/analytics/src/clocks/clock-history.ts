import { type ClockSampled, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { sql } from 'kysely'
import type { Db } from '../store/database.ts'
import { isoTime } from '../store/sql-time.ts'

const maxSamples = 2000

/** A node's samples of the last hours, oldest first; where there are too many, the surest ones. */
export async function readHistory(
  db: Db,
  { nodeId, sinceHours }: { nodeId: string; sinceHours: number },
): Promise<ClockSampled[]> {
  const since = toTimestamp(nowMicroseconds() - sinceHours * 3600e6)
  // One less: slots begin at whole multiples, so the first one is cut.
  const slotSeconds = (sinceHours * 3600) / (maxSamples - 1)
  const { rows } = await sql<ClockSampled>`
    SELECT DISTINCT ON (slot)
      node_id AS "nodeId", ${isoTime('at')} AS at, offset_us / 1000 AS "offsetMs",
      bound_us / 1000 AS "boundMs", round_trip_us / 1000 AS "roundTripMs", probes,
      drift_ppm AS "driftPpm"
    FROM (
      SELECT *, floor(extract(epoch FROM at) / ${slotSeconds}::float8) AS slot
      FROM clock_sample WHERE node_id = ${nodeId} AND at >= ${since}::timestamptz
    ) AS sample
    ORDER BY slot, bound_us, at
  `.execute(db)
  return rows
}
