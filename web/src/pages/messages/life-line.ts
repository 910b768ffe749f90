import type { MessageLifeReply } from '@corroport/contracts'

export type LifeNode = MessageLifeReply['nodes'][number]
type MarkKind = 'accepted' | 'seen' | 'acknowledged'

export interface Mark {
  nodeId: string
  kind: MarkKind
  /** Milliseconds since it was sent. */
  ms: number
}

/** What is known of the times of a message, by node. */
export function marksOf({ message, nodes }: MessageLifeReply): Mark[] {
  if (!message) return []
  const sinceSent = (at: string): number => Date.parse(at) - Date.parse(message.sent_at)
  return nodes.flatMap(({ node_id: nodeId, is_origin, reception, round_trip_ms }) => {
    const marks: Mark[] = []
    if (is_origin && message.accepted_at !== null) {
      marks.push({ nodeId, kind: 'accepted', ms: sinceSent(message.accepted_at) })
    }
    if (reception) marks.push({ nodeId, kind: 'seen', ms: sinceSent(reception.first_seen) })
    if (round_trip_ms !== null) marks.push({ nodeId, kind: 'acknowledged', ms: round_trip_ms })
    return marks
  })
}

/** From which time to which: the sending is in it, and clocks that differ may put marks before it. */
export function spanOf(marks: readonly Mark[]): { fromMs: number; toMs: number } {
  const times = marks.map(({ ms }) => ms)
  return { fromMs: Math.min(0, ...times), toMs: Math.max(1, ...times) }
}

/** Where a time stands between the ends, in per cent. */
export function placeOf(ms: number, { fromMs, toMs }: ReturnType<typeof spanOf>): number {
  return (100 * (ms - fromMs)) / (toMs - fromMs)
}
