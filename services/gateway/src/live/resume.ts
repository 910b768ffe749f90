import type { StreamHead, TailPosition } from '@corroport/bus'
import { type StreamName, streams } from '@corroport/contracts'

/** A place in every stream. */
export function placesOf(
  heads: StreamHead[],
  sequence: (head: StreamHead) => number,
): TailPosition {
  const position: TailPosition = {}
  for (const head of heads) {
    position[head.stream] = { incarnation: head.incarnation, sequence: sequence(head) }
  }
  return position
}

interface Resumption {
  position: TailPosition
  gaps: { stream: StreamName; reason: string }[]
}

/** From where to go on, and what lies between there and the place that was asked for. */
export function resume(from: TailPosition, heads: StreamHead[]): Resumption {
  const gaps: Resumption['gaps'] = []
  const position = placesOf(heads, ({ stream, incarnation, first, last }) => {
    const known = from[stream]
    const beforeFirst = Math.max(0, first - 1)
    if (!known) return last
    if (known.incarnation !== incarnation || known.sequence > last) {
      gaps.push({ stream, reason: 'the stream was created anew' })
      return beforeFirst
    }
    if (known.sequence >= beforeFirst) return known.sequence
    gaps.push({ stream, reason: `${beforeFirst - known.sequence} records were discarded` })
    return beforeFirst
  })
  return { position, gaps }
}

/** Whether nothing between the position and `start` is missing. */
export function isWithin(position: TailPosition, start: TailPosition): boolean {
  return streams.every(({ name }) => {
    const [mine, kept] = [position[name], start[name]]
    return (
      mine !== undefined && mine.incarnation === kept?.incarnation && mine.sequence >= kept.sequence
    )
  })
}

/** Whether both are the same place. */
export function isSame(one: TailPosition, other: TailPosition): boolean {
  return isWithin(one, other) && isWithin(other, one)
}

/** From where on all of them can be served, but never more than so many records of a stream back. */
export function earliest(
  positions: readonly TailPosition[],
  heads: StreamHead[],
  most: number,
): TailPosition {
  return placesOf(heads, ({ stream, last }) => {
    const wanted = positions.map((position) => position[stream]?.sequence ?? last)
    return Math.max(Math.min(last, ...wanted), last - most, 0)
  })
}
