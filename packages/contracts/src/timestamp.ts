import { Type } from 'typebox'

/**
 * ISO 8601, UTC, microseconds: `2026-01-15T10:00:00.123456Z`. Always one node's own clock. Postgres has
 * no year 0.
 */
export const Timestamp = Type.String({
  pattern: '^(?!0000)\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,9})?Z$',
})

// performance.timeOrigin is read once: after a step of the system's clock, or a suspended machine, a
// time that is made with it stays wrong. Node 24 has no Temporal and nothing better.
const systemMicroseconds: () => number =
  typeof Temporal === 'undefined'
    ? () => Math.round((performance.timeOrigin + performance.now()) * 1000)
    : () => Number(Temporal.Now.instant().epochNanoseconds / 1000n)

let offsetMicroseconds = 0

/** From now on this process' clock is so much ahead of its machine's: for laboratories only. */
export function setClockOffset(milliseconds: number): void {
  offsetMicroseconds = Math.round(milliseconds * 1000)
}

/**
 * Now, in microseconds since the Unix epoch, by this node's clock. It may step either way: what has
 * passed is measured with `performance.now()`.
 */
export function nowMicroseconds(): number {
  return systemMicroseconds() + offsetMicroseconds
}

export function toTimestamp(microseconds: number): string {
  const milliseconds = Math.floor(microseconds / 1000)
  const rest = Math.floor(microseconds - milliseconds * 1000)
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`
}

/** Microseconds since the Unix epoch; undefined when the text is no timestamp of an existing day. */
export function fromTimestamp(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z$/.exec(text)
  if (!match) return undefined
  const [, second = '', fraction = ''] = match
  const milliseconds = Date.parse(`${second}Z`)
  if (Number.isNaN(milliseconds)) return undefined
  // The 30th of February is read as the 2nd of March.
  if (!new Date(milliseconds).toISOString().startsWith(second)) return undefined
  return milliseconds * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
}
