import { fromTimestamp } from '@corroport/contracts'

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** `250ms`, `30s`, `10m`, `2h`, `1d` in milliseconds. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text)
  const unitMs = unitsMs[match?.[2] ?? '']
  return unitMs === undefined ? undefined : Number(match?.[1]) * unitMs
}

/** A moment as the gateway wants it: so long before `nowMs`, or an ISO time as it is. */
export function parseSince(text: string, nowMs: number): string | undefined {
  const agoMs = parseDuration(text)
  if (agoMs !== undefined && agoMs <= nowMs) return new Date(nowMs - agoMs).toISOString()
  // Kept whole, since a date of JavaScript would cut the microseconds off.
  if (fromTimestamp(text) !== undefined) return text
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}

/** `4.21 ms`, `123 ms`, `1.5 s`, `12 min`, `3.0 h`. */
export function formatDuration(ms: number): string {
  const size = Math.abs(ms)
  if (size < 99.995) return `${ms.toFixed(2)} ms`
  if (size < 999.5) return `${ms.toFixed(0)} ms`
  if (size < 119_950) return `${(ms / 1000).toFixed(1)} s`
  if (size < 7_170_000) return `${(ms / 60_000).toFixed(0)} min`
  return `${(ms / 3_600_000).toFixed(1)} h`
}

/** How long ago, without more digits than a look at a table needs. */
export function formatAge(ms: number): string {
  return ms < 999.5 ? `${ms.toFixed(0)} ms ago` : `${formatDuration(ms)} ago`
}

/** Time of day in UTC, `10:00:00.123`. */
export function formatTimeOfDay(date: Date): string {
  return date.toISOString().slice(11, 23)
}
