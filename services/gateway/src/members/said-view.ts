import { fromTimestamp, type NodeViewed } from '@corroport/contracts'

/** What a node said of the others, and how long ago. */
export interface SaidView {
  view: NodeViewed
  ageMs: number
}

/** What is said each second is recent; the admin socket may have been slow once. */
export const recentMs = 5000

/** Of something that was taken before a view was said; both times are by the clock of its node. */
export function ageOf({ view, ageMs }: SaidView, takenAt: string | null): number | null {
  if (takenAt === null) return null
  const said = fromTimestamp(view.at) ?? 0
  return ageMs + Math.max(0, said - (fromTimestamp(takenAt) ?? said)) / 1000
}

/** Undefined where a node has no SWIM, could not read it lately, or is not heard any more. */
export function recentSwim(said: SaidView): NodeViewed['swim'] | undefined {
  const { swim } = said.view
  const ageMs = ageOf(said, swim.takenAt)
  return swim.source !== 'none' && ageMs !== null && ageMs <= recentMs ? swim : undefined
}
