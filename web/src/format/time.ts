export type Zone = 'local' | 'utc'

/** Milliseconds as a person reads them: `0.42 ms`, `18.2 ms`, `2.4 s`, `3 min`, `5 h`, `2 d`. */
export function formatDuration(ms: number): string {
  const size = Math.abs(ms)
  if (size < 1) return `${ms.toFixed(2)} ms`
  if (size < 100) return `${ms.toFixed(1)} ms`
  if (size < 1000) return `${Math.round(ms)} ms`
  if (size < 60_000) return `${(ms / 1000).toFixed(1)} s`
  if (size < 3_600_000) return `${Math.floor(ms / 60_000)} min`
  if (size < 172_800_000) return `${Math.floor(ms / 3_600_000)} h`
  return `${Math.floor(ms / 86_400_000)} d`
}

/** How long ago, without fractions that change faster than they are read. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  return seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1000)
}

/** `2026-01-15 10:05:06.349` in the zone; `withDate: false` leaves the day out. */
export function formatTime(
  timestamp: string | number,
  zone: Zone,
  { withDate = true, withMilliseconds = true } = {},
): string {
  const date = new Date(timestamp)
  if (Number.isNaN(date.getTime())) return String(timestamp)
  const minutes = zone === 'utc' ? 0 : -date.getTimezoneOffset()
  const text = new Date(date.getTime() + minutes * 60_000).toISOString()
  const time = text.slice(11, withMilliseconds ? 23 : 19)
  return withDate ? `${text.slice(0, 10)} ${time}` : time
}

/** `UTC` or the local offset: `UTC+02:00`. */
export function zoneName(zone: Zone, at = new Date()): string {
  if (zone === 'utc') return 'UTC'
  const minutes = -at.getTimezoneOffset()
  if (minutes === 0) return 'UTC+00:00'
  const hours = String(Math.floor(Math.abs(minutes) / 60)).padStart(2, '0')
  const rest = String(Math.abs(minutes) % 60).padStart(2, '0')
  return `UTC${minutes < 0 ? '−' : '+'}${hours}:${rest}`
}
