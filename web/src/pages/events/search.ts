import { given, type RawSearch, readText, readWhole } from '../../search.ts'

export interface EventsSearch {
  /** Filters as of NATS, with commas; without it every record. */
  subjects?: string
  /** Has to be in the subject or the payload. */
  q?: string
  /** Events a second; without it `usualRate`. */
  rate?: number
  paused?: 1
}

export const usualRate = 200
export const highestRate = 10_000

export function eventsSearch(raw: RawSearch): EventsSearch {
  return given({
    subjects: readText(raw.subjects),
    q: readText(raw.q, 200),
    rate: readWhole(raw.rate, 1, highestRate),
    paused: readWhole(raw.paused, 1, 1) as 1 | undefined,
  })
}
