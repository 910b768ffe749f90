import type { ClockState } from '@corroport/contracts'
import { apartMs } from './clock-alarms.ts'

/** A clock beside the one that it is furthest from. */
export interface ComparedClock extends ClockState {
  /** Surely apart by so much; 0 where the bounds leave it open. Null: one of them is not known. */
  furthest: { nodeId: string; apartMs: number } | null
}

const ranks = { alarm: 0, unknown: 1, ok: 2 } as const

/** Alarms first, then what is not known; by name, so that rows keep their places. */
export function compareClocks(clocks: readonly ClockState[]): ComparedClock[] {
  const known = clocks.flatMap(({ node_id: nodeId, state, offset_ms, bound_ms }) =>
    state === 'unknown' || offset_ms === null || bound_ms === null
      ? []
      : [{ nodeId, offsetMs: offset_ms, boundMs: bound_ms }],
  )
  const compared = clocks.map((clock): ComparedClock => {
    const own = known.find((each) => each.nodeId === clock.node_id)
    const others = known.filter((each) => each !== own)
    if (!own || others.length === 0) return { ...clock, furthest: null }
    const distances = others.map((other) => ({
      nodeId: other.nodeId,
      apartMs: Math.max(0, apartMs(own, other), apartMs(other, own)),
      raw: Math.abs(own.offsetMs - other.offsetMs),
    }))
    const [{ nodeId, apartMs: apart } = { nodeId: '', apartMs: 0 }] = distances.toSorted(
      (a, b) => b.apartMs - a.apartMs || b.raw - a.raw,
    )
    return { ...clock, furthest: { nodeId, apartMs: apart } }
  })
  return compared.toSorted(
    (a, b) =>
      ranks[a.state] - ranks[b.state] ||
      a.node_id.localeCompare(b.node_id, 'en', { numeric: true }),
  )
}
