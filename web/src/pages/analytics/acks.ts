import type { MessageEvent } from '@corroport/contracts'
import { experiments } from '../../api/experiments.ts'
import { formatCount } from '../../format/number.ts'

/** By the clock of the message's origin alone. Unix milliseconds. */
export interface AckPoint {
  transport: 'gossip' | 'direct'
  node: string
  sentAt: number
  arrivedAt: number
  roundTripMs: number
}

export interface Acks {
  points: AckPoint[]
  /** So many were read over each transport; of them one of `stride` of each receiver is kept. */
  read: Record<AckPoint['transport'], number>
  stride: number
  /** False: there are more than a page can hold. */
  isWhole: boolean
}

const mostKept = 20_000
const mostRead = 200_000

/** The acknowledgements of an experiment, thinned evenly where there are many. */
export async function readAcks(
  id: string,
  expected: number,
  signal: AbortSignal,
  ask = experiments.acks,
): Promise<Acks> {
  const stride = Math.max(1, Math.ceil(Math.min(expected, mostRead) / mostKept))
  const seen = new Map<string, number>()
  const points: AckPoint[] = []
  const read = { gossip: 0, direct: 0 }
  let next: string | null | undefined
  do {
    const page: { message_events: MessageEvent[]; next: string | null } = await ask(
      id,
      next ?? undefined,
      signal,
    )
    for (const event of page.message_events) {
      const point = toPoint(event)
      if (point === undefined) continue
      read[point.transport] += 1
      const series = `${point.transport} ${point.node}`
      const index = seen.get(series) ?? 0
      seen.set(series, index + 1)
      if (index % stride === 0) points.push(point)
    }
    next = page.next
    // After the acknowledgements come records of other kinds.
  } while (next !== null && next.startsWith('acked/') && readIn({ read }) < mostRead)
  const isWhole = next === null || !next.startsWith('acked/')
  return { points, read, stride, isWhole }
}

function toPoint(event: MessageEvent): AckPoint | undefined {
  const { event_type: type, target_node: node, transport, round_trip_ms: roundTripMs } = event
  if (type !== 'acked' || node === null || roundTripMs === null) return undefined
  const arrivedAt = preciseMs(event.event_timestamp)
  return { transport, node, sentAt: arrivedAt - roundTripMs, arrivedAt, roundTripMs }
}

/** Unix milliseconds with the microseconds, which a date would cut off. */
export function preciseMs(timestamp: string): number {
  const micros = /\.\d{3}(\d{1,3})/.exec(timestamp)?.[1] ?? ''
  return Date.parse(timestamp) + Number(micros.padEnd(3, '0')) / 1000
}

/** How many were read in all. */
export function readIn({ read: { gossip, direct } }: Pick<Acks, 'read'>): number {
  return gossip + direct
}

/** What is drawn of what there is: over this transport, of so many over all of them. */
export function drawnText(acks: Acks, transport: AckPoint['transport'], there: number): string {
  const { read, stride, isWhole } = acks
  const share = stride === 1 ? 'all' : `one of ${stride}`
  const some = isWhole
    ? `Of ${formatCount(read[transport])} acknowledgements over ${transport} ${share} are drawn`
    : `Of ${formatCount(there)} acknowledgements the first ${formatCount(readIn(acks))}, in the order of message ids, were read and ${share} of them are drawn, where they are of ${transport}; the export has all`
  return `${some}. Those of the warm-up are among them.`
}
