import type { TailPosition } from '@corroport/bus'
import { streams } from '@corroport/contracts'

// One part a stream: `RECORDS.<seconds>.<nanoseconds>.<sequence>`, the numbers in base 36. The first
// two are the stream's creation time, which is its incarnation.
const separator = '~'
const partForm = /^([A-Z]+)\.([0-9a-z]{1,9})\.([0-9a-z]{1,6})\.([0-9a-z]{1,11})$/

/** Where a reader is in all streams, as one short token. */
export function encodeCursor(position: TailPosition): string {
  const parts: string[] = []
  for (const { name } of streams) {
    const place = position[name]
    if (!place) continue
    const { seconds, nanoseconds } = parseIncarnation(place.incarnation)
    const numbers = [seconds, nanoseconds, place.sequence].map((number) => number.toString(36))
    parts.push([name, ...numbers].join('.'))
  }
  return parts.join(separator)
}

/** Undefined when it is no cursor. A stream that it does not name is read from now on. */
export function decodeCursor(cursor: string): TailPosition | undefined {
  const position: TailPosition = {}
  for (const part of cursor.split(separator)) {
    const [, name, ...numbers] = partForm.exec(part) ?? []
    const stream = streams.find((each) => each.name === name)
    const [seconds, nanoseconds, sequence] = numbers.map((digits) => Number.parseInt(digits, 36))
    if (!stream || seconds === undefined || nanoseconds === undefined || sequence === undefined) {
      return undefined
    }
    if (seconds > maxSeconds || nanoseconds > 999_999_999 || !Number.isSafeInteger(sequence)) {
      return undefined
    }
    position[stream.name] = { incarnation: formatIncarnation(seconds, nanoseconds), sequence }
  }
  return position
}

const maxSeconds = 8.64e12

// NATS prints creation times as Go does: fractions without trailing zeros.
function parseIncarnation(created: string): { seconds: number; nanoseconds: number } {
  const [whole = '', fraction = ''] = created.replace(/Z$/, '').split('.')
  return {
    seconds: Date.parse(`${whole}Z`) / 1000,
    nanoseconds: Number(fraction.padEnd(9, '0')),
  }
}

function formatIncarnation(seconds: number, nanoseconds: number): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19)
  const fraction = String(nanoseconds).padStart(9, '0').replace(/0+$/, '')
  return fraction === '' ? `${whole}Z` : `${whole}.${fraction}Z`
}
