import type { StoredRecord } from '@corroport/contracts'
import type { NamedEvent } from '../../live/live.ts'

export const mostEvents = 2000

/** An event as it is shown; its payload is kept as text only. */
export interface LoggedEvent {
  id: number
  /** When it was stored, or came here. Unix milliseconds. */
  at: number
  subject: string
  /** Why it breaks its contract. */
  violation: string | undefined
  /** In no stream: the receiver can ask again. */
  isHint: boolean
  /** JSON on one line. */
  text: string
}

/** Newest first, together never more than `mostEvents`. */
export interface EventLog {
  shown: readonly LoggedEvent[]
  /** What came while somebody reads. */
  waiting: readonly LoggedEvent[]
  /** What of it was never shown, because more came than is kept. */
  missed: { count: number; from: number; to: number } | undefined
}

export const emptyLog: EventLog = { shown: [], waiting: [], missed: undefined }
let lastId = 0

/** Oldest first, as the stream gives them. */
export function toLogged(events: readonly NamedEvent[], now: number): LoggedEvent[] {
  return events.map(({ subject, at, violation, cursor, payload }) => ({
    id: ++lastId,
    at: at === undefined ? now : Date.parse(at),
    subject,
    violation,
    isHint: cursor === null,
    text: JSON.stringify(payload),
  }))
}

export function fromRecords(records: readonly StoredRecord[]): LoggedEvent[] {
  return records.map(({ subject, stored_at: storedAt, violation, payload }) => ({
    id: ++lastId,
    at: Date.parse(storedAt),
    subject,
    violation: violation ?? undefined,
    isHint: false,
    text: JSON.stringify(payload),
  }))
}

/** Puts what came, oldest first, in front; while it is held, into what waits. */
export function add(log: EventLog, events: readonly LoggedEvent[], isHeld: boolean): EventLog {
  const waiting = [...events.toReversed(), ...log.waiting]
  if (!isHeld) return release({ ...log, waiting })
  const lost = waiting.slice(mostEvents)
  const [newest] = lost
  const oldest = lost.at(-1)
  if (!newest || !oldest) return { ...log, waiting }
  const { missed } = log
  return {
    ...log,
    waiting: waiting.slice(0, mostEvents),
    missed: {
      count: (missed?.count ?? 0) + lost.length,
      from: missed?.from ?? oldest.at,
      to: newest.at,
    },
  }
}

/** What waited is shown; the oldest rows make place for it. */
export function release(log: EventLog): EventLog {
  if (log.waiting.length === 0) return log
  const shown = [...log.waiting, ...log.shown].slice(0, mostEvents)
  return { ...log, shown, waiting: [] }
}

/** Puts what the streams still have among what came by itself. */
export function backfill(log: EventLog, records: readonly LoggedEvent[]): EventLog {
  const known = new Set([...log.shown, ...log.waiting].map(nameOf))
  const added = records.filter((record) => !known.has(nameOf(record)))
  const shown = [...log.shown, ...added].toSorted((a, b) => b.at - a.at)
  return { ...log, shown: shown.slice(0, mostEvents) }
}

/** Of one stored record, whichever way it came. */
function nameOf({ at, subject, text }: LoggedEvent): string {
  return `${at} ${subject} ${text}`
}

/** Those with the text in their subject or payload, in any case of letters. */
export function search(events: readonly LoggedEvent[], text: string): readonly LoggedEvent[] {
  if (text === '') return events
  const pattern = new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i')
  return events.filter((event) => pattern.test(event.subject) || pattern.test(event.text))
}

/** For a person to read. */
export function formatted(text: string): string {
  return JSON.stringify(JSON.parse(text), null, 2)
}
