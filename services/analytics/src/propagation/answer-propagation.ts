import { type Bus, RefusalError } from '@corroport/bus'
import { nowMicroseconds, propagationQueried, toTimestamp } from '@corroport/contracts'
import { sql } from 'kysely'
import type { Static } from 'typebox'
import { createClockSegments } from '../clocks/clock-segments.ts'
import type { Db } from '../store/database.ts'
import { isoTime } from '../store/sql-time.ts'
import { type HourFigures, hourFigures, type Site } from './hour-figures.ts'
import { hoursLater, lastStoredHour } from './store-hours.ts'

type Query = Static<(typeof propagationQueried)['request']>
type Reply = Static<(typeof propagationQueried)['reply']>

// About 400 bytes each.
const rowsOfPage = 2000

/** Stored hours as they are, and those after them computed now. */
export function answerPropagation(deps: {
  db: Db
  bus: Bus
  sites: () => readonly Site[]
}): AsyncDisposable {
  const { db, bus, sites } = deps
  return bus.respond(propagationQueried, {}, (query) => readPropagation(db, sites(), query))
}

export async function readPropagation(
  db: Db,
  sites: readonly Site[],
  { table, origin, node, sinceHours, after }: Query,
): Promise<Reply> {
  const place = after === undefined ? { hour: 'infinity', offset: 0 } : parsePlace(after)
  const since = startOfHour(hoursLater(toTimestamp(nowMicroseconds()), -sinceHours))
  const last = await lastStoredHour(db)
  const live = last === undefined || last < since ? since : hoursLater(last, 1)
  const { rows } = await db.transaction().execute(async (transaction) => {
    await createClockSegments(transaction, { from: hoursLater(live, -1), to: 'infinity' })
    return await sql<HourFigures>`
      SELECT table_name, origin, node_id, ${isoTime('hour')} AS hour, figures
      FROM (
        SELECT * FROM propagation_hour WHERE hour >= ${since}::timestamptz
        UNION ALL
        ${hourFigures(sites, { from: live, to: 'infinity' })}
      ) AS told
      WHERE table_name = coalesce(${table ?? null}::text, table_name)
        AND origin = coalesce(${origin ?? null}::text, origin)
        AND node_id = coalesce(${node ?? null}::text, node_id)
        AND hour <= ${place.hour}::timestamptz
      ORDER BY told.hour DESC, table_name, origin, node_id
      LIMIT ${rowsOfPage + 1}::integer OFFSET ${place.offset}::integer
    `.execute(transaction)
  })
  const page = rows.slice(0, rowsOfPage)
  return {
    propagation: page.map(({ table_name, origin: writer, node_id, hour, figures }) => ({
      table: table_name,
      origin_node_id: writer,
      node_id,
      hour,
      ...figures,
    })),
    next: rows.length > rowsOfPage ? placeAfter(page, place) : null,
  }
}

interface Place {
  hour: string
  /** Rows of this hour that were given before. */
  offset: number
}

function parsePlace(after: string): Place {
  const [, hour, offset] = /^(\d{4}-\d\d-\d\dT\d\d:00:00\.000000Z)\/(\d{1,9})$/.exec(after) ?? []
  if (hour === undefined) throw new RefusalError('invalid', 'after is not the next of a page')
  return { hour, offset: Number(offset) }
}

function placeAfter(page: readonly HourFigures[], before: Place): string | null {
  const hour = page.at(-1)?.hour
  if (hour === undefined) return null
  const given = page.filter((row) => row.hour === hour).length
  return `${hour}/${given + (hour === before.hour ? before.offset : 0)}`
}

const startOfHour = (time: string): string => `${time.slice(0, 13)}:00:00.000000Z`
