import { fromTimestamp, toTimestamp } from '@corroport/contracts'
import { sql } from 'kysely'
import { createClockSegments } from '../clocks/clock-segments.ts'
import type { Db } from '../store/database.ts'
import { isoTime } from '../store/sql-time.ts'
import { hourFigures, type Site, sightsOfOthers } from './hour-figures.ts'

/**
 * Computes and stores ended hours: those that ingest has passed, which a sight of a minute after
 * their end shows, and again the ones of the last day before them to which something late has come.
 */
export async function storeEndedHours(
  db: Db,
  sites: readonly Site[],
): Promise<{ hours: string[] }> {
  const from = await recountedFrom(db)
  const { rows } = await sql<{ hour: string }>`
    WITH counted AS (
      SELECT hour, count(*) AS sights, max(max(observed_at)) OVER () AS newest
      FROM (${sightsOfOthers(sites, { from, to: 'infinity' })}) AS sight GROUP BY hour
    ), stored AS (
      SELECT hour, sum((figures->>'n')::bigint + (figures->>'without_clock')::bigint) AS sights
      FROM propagation_hour WHERE hour >= ${from}::timestamptz GROUP BY hour
    )
    SELECT ${isoTime('hour')} AS hour
    FROM counted LEFT JOIN stored USING (hour)
    WHERE counted.sights IS DISTINCT FROM stored.sights
      -- Not by the sights alone: a clock that is ahead would end an hour that has not begun.
      AND hour + interval '61 minutes' <= least(newest, now())
    ORDER BY counted.hour
  `.execute(db)
  const hours = rows.map(({ hour }) => hour)
  for (const hour of hours) await storeHour(db, sites, hour)
  return { hours }
}

async function storeHour(db: Db, sites: readonly Site[], hour: string): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    // What is seen within the hour may have been written before it, and clocks differ.
    const around = { from: hoursLater(hour, -1), to: hoursLater(hour, 2) }
    await createClockSegments(transaction, around)
    await sql`DELETE FROM propagation_hour WHERE hour = ${hour}::timestamptz`.execute(transaction)
    await sql`
      INSERT INTO propagation_hour (table_name, origin, node_id, hour, figures)
      ${hourFigures(sites, { from: hour, to: hoursLater(hour, 1) })}
    `.execute(transaction)
  })
}

/** A day before the last stored hour; everything when there is none. */
async function recountedFrom(db: Db): Promise<string> {
  const last = await lastStoredHour(db)
  return last === undefined ? '-infinity' : hoursLater(last, -24)
}

export function hoursLater(time: string, hours: number): string {
  const microseconds = fromTimestamp(time)
  if (microseconds === undefined) throw new Error(`${time} is no timestamp`)
  return toTimestamp(microseconds + hours * 3_600_000_000)
}

/** Everything up to it is stored, but for what came later. */
export async function lastStoredHour(db: Db): Promise<string | undefined> {
  const { rows } = await sql<{ hour: string | null }>`
    SELECT ${isoTime('hour')} AS hour
    FROM (SELECT max(hour) AS hour FROM propagation_hour) AS last
  `.execute(db)
  return rows[0]?.hour ?? undefined
}
