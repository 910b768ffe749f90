import { formatDuration } from '../../format/time.ts'

/** With its sign: `+0.21 ms`, `−1.4 s`. */
export function offsetText(ms: number | null): string {
  if (ms === null) return '–'
  const sign = ms < 0 ? '−' : '+'
  return `${sign}${formatDuration(Math.abs(ms))}`
}

export function boundText(ms: number | null): string {
  return ms === null ? '–' : `± ${formatDuration(ms)}`
}

export function durationText(ms: number | null): string {
  return ms === null ? '–' : formatDuration(ms)
}
