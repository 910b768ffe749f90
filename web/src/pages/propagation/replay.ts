import type { StoredRecord } from '@corroport/contracts'
import { afterEvent, type Journey, type JourneyEvent, toJourneyEvent } from './journey.ts'

export interface Step {
  /** When NATS stored it. Unix milliseconds. */
  at: number
  event: JourneyEvent
}

/** What moved messages in the past, oldest first. */
export function stepsOf(records: readonly StoredRecord[]): Step[] {
  return records
    .flatMap(({ subject, stored_at, payload, violation }) => {
      const name = subject.split('.').slice(1, 3).join('.')
      const event = toJourneyEvent({ name, payload, violation })
      return event ? [{ at: Date.parse(stored_at), event }] : []
    })
    .toSorted((a, b) => a.at - b.at)
}

/** The steps after one moment, up to another one. */
export function stepsBetween(steps: readonly Step[], after: number, until: number): Step[] {
  return steps.filter(({ at }) => at > after && at <= until)
}

/** The newest message of a moment, as far as it had come then. */
export function journeyAt(steps: readonly Step[], moment: number): Journey | undefined {
  const past = steps.filter(({ at }) => at <= moment)
  const newest = past.findLast(({ event }) => event.name === 'message.sent')
  if (!newest) return undefined
  const { messageId } = newest.event.payload
  return past
    .filter(({ event }) => event.payload.messageId === messageId)
    .reduce(
      (journeys, { event }) => afterEvent(journeys, event),
      new Map<string, Journey>() as ReadonlyMap<string, Journey>,
    )
    .get(messageId)
}
