import { fromTimestamp } from '@corroport/contracts'
import { ProblemError } from './errors.ts'

/** In microseconds; its end is left out. */
export interface TimeRange {
  since: number | undefined
  until: number | undefined
}

/** Throws a `ProblemError` of 400 for a time that does not exist, and for a range that holds none. */
export function readTimeRange(query: { since?: string; until?: string }): TimeRange {
  const since = readTime('since', query.since)
  const until = readTime('until', query.until)
  if (since !== undefined && until !== undefined && since >= until) {
    throw new ProblemError(400, 'since is not before until')
  }
  return { since, until }
}

function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const microseconds = fromTimestamp(text)
  if (microseconds !== undefined) return microseconds
  throw new ProblemError(400, `${name} is a time that does not exist`)
}
