import { type Arc, arcMs } from '../../map/arc.ts'

const mostArcs = 300
const sameWithinMs = 120

/** Adds what just went from one node to another; what is no longer seen, or too much, is left out. */
export function addArcs(
  arcs: Arc[],
  added: readonly { from: string; to: string }[],
  now: number,
): void {
  const alive = arcs.filter(({ at }) => now - at < arcMs)
  arcs.splice(0, arcs.length, ...alive)
  for (const { from, to } of added) {
    if (arcs.length >= mostArcs) return
    const isThere = arcs.some(
      (arc) => arc.from === from && arc.to === to && now - arc.at < sameWithinMs,
    )
    if (!isThere) arcs.push({ from, to, at: now })
  }
}
