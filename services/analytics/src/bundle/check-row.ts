import { fromTimestamp, toTimestamp } from '@corroport/contracts'

const earliest = '2000-01-01T00:00:00Z'
const aheadMicroseconds = 24 * 3600 * 1e6
const largestInteger = 2 ** 31 - 1
// Thirty years.
const largestMicroseconds = 1e15

/** What is impossible about a row, though it fits its contract; undefined: nothing. */
export function findImpossible(
  values: Readonly<Record<string, unknown>>,
  now: number,
): string | undefined {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string' && (name === 'at' || name.endsWith('_at'))) {
      if (!isPossibleTime(value, now)) return `${name} ${value} is no possible time`
    }
    if (typeof value === 'number') {
      const largest = name.endsWith('_us') ? largestMicroseconds : largestInteger
      if (!(Math.abs(value) <= largest)) return `${name} ${value} is out of range`
    }
    if (!isStorable(value)) return `${name} has characters that cannot be stored`
  }
  const { round_trip_us, clock } = values
  if (clock === 'monotonic' && typeof round_trip_us === 'number' && round_trip_us < 0) {
    return 'a round trip by a monotonic clock is below zero'
  }
  return undefined
}

/** Of an existing day, in this century, and not later than tomorrow. */
export function isPossibleTime(text: string, now: number): boolean {
  const microseconds = fromTimestamp(text)
  if (microseconds === undefined || microseconds > now + aheadMicroseconds) return false
  // The parser of dates makes the 2nd of March of the 30th of February.
  return text >= earliest && toTimestamp(microseconds).slice(0, 19) === text.slice(0, 19)
}

/** Postgres takes neither NUL nor half a surrogate pair. */
export function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, inner]) => isStorable(name) && isStorable(inner))
}
