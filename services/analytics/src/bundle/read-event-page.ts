import { RefusalError } from '@corroport/bus'
import { fromTimestamp, type StoredEvent } from '@corroport/contracts'
import { sql } from 'kysely'
import { clockMargin } from '../clocks/clock-segments.ts'
import { lateMargin } from '../statistics/count-records.ts'
import type { Db } from '../store/database.ts'
import { isoTime } from '../store/sql-time.ts'
import { readFacts, type Subject } from './read-facts.ts'

// A message of NATS holds 1 MB; the answer is more than its events.
const mostBytes = 800_000

export interface EventPage {
  events: StoredEvent[]
  next: string | null
}

/** `after`: kind and key of the last one that is known, `acked/<message>`. */
export async function readEventPage(db: Db, id: string, after?: string): Promise<EventPage> {
  const subject = await findSubject(db, id)
  let { place, key } = parseCursor(after)
  const events: StoredEvent[] = []
  let bytes = 0
  for (let facts = readFacts[place]; facts; facts = readFacts[place]) {
    const { kind } = facts
    const { groups, last } = await facts.read(db, subject, key)
    for (const group of groups) {
      const size = Buffer.byteLength(JSON.stringify(group.events))
      if (events.length > 0 && bytes + size > mostBytes) return { events, next: `${kind}/${key}` }
      events.push(...group.events)
      bytes += size
      key = group.key
    }
    if (last === undefined) {
      place++
      key = ''
    } else key = last
  }
  return { events, next: null }
}

async function findSubject(db: Db, id: string): Promise<Subject> {
  const { rows } = await sql<Subject>`
    SELECT id, jsonb_array_length(expected) AS receivers,
      ${isoTime('began')} AS "from", ${isoTime('ended')} AS "to",
      ${isoTime('clocks_began')} AS "clocksFrom", ${isoTime('clocks_ended')} AS "clocksTo"
    FROM (
      SELECT id, expected, began, ended, began - ${clockMargin}::interval AS clocks_began,
        -- Later samples are not in its figures: with them, an import would compute others.
        least(
          coalesce(deadline_at, ended) + ${lateMargin}::interval + ${clockMargin}::interval,
          (figures ->> 'computed_at')::timestamptz
        ) AS clocks_ended
      FROM experiment, LATERAL (
        SELECT coalesce(started_at, created_at) AS began, coalesce(finished_at, now()) AS ended
      ) AS time
      WHERE id = ${id}
    ) known`.execute(db)
  const [subject] = rows
  if (!subject) throw new RefusalError('not-found', `no such experiment: ${id}`)
  return subject
}

function parseCursor(after: string | undefined): { place: number; key: string } {
  if (after === undefined) return { place: 0, key: '' }
  const [kind = '', ...rest] = after.split('/')
  const place = readFacts.findIndex((facts) => facts.kind === kind)
  const key = rest.join('/')
  if (place < 0 || !fitsKey(kind, key)) {
    throw new RefusalError('invalid', 'after: not the next of a page of events')
  }
  return { place, key }
}

function fitsKey(kind: string, key: string): boolean {
  if (key === '') return true
  if (kind === 'skipped') return /^[\w-]{1,64}\/\d{1,9}$/.test(key)
  if (kind === 'clock' || kind === 'sample' || kind === 'audit') {
    return fromTimestamp(key.split('/', 1)[0] ?? '') !== undefined
  }
  return /^[!-~]{1,128}$/.test(key)
}
