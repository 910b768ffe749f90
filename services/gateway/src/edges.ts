import type { Bus } from '@corroport/bus'
import {
  type EdgeAnnounced,
  type EdgesReply,
  edgeAnnounced,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'

/** Points of presence that were heard since this gateway started. */
export interface Edges extends AsyncDisposable {
  /** By id. */
  current(): EdgesReply['edges']
  /** One that is present, for what any of them can do; undefined: there is none. */
  anyPresent(): string | undefined
}

const lostAfterMs = 3000
// Who was not heard for so long is no longer told of.
const forgottenAfterMs = 24 * 3_600_000

export function openEdges(bus: Bus): Edges {
  const heard = new Map<string, { said: EdgeAnnounced; at: number; atSteady: number }>()
  const hearing = bus.hear(edgeAnnounced, (said) => {
    heard.set(said.nodeId, { said, at: nowMicroseconds(), atSteady: performance.now() })
  })
  const isPresent = (atSteady: number): boolean => performance.now() - atSteady <= lostAfterMs

  return {
    current() {
      for (const [nodeId, { atSteady }] of heard) {
        if (performance.now() - atSteady > forgottenAfterMs) heard.delete(nodeId)
      }
      return [...heard.values()]
        .map(({ said, at, atSteady }) => ({
          ...said,
          presence: isPresent(atSteady) ? ('present' as const) : ('lost' as const),
          heardAt: toTimestamp(at),
        }))
        .toSorted((a, b) => (a.nodeId < b.nodeId ? -1 : 1))
    },
    anyPresent: () => [...heard].find(([, { atSteady }]) => isPresent(atSteady))?.[0],
    [Symbol.asyncDispose]: () => hearing[Symbol.asyncDispose](),
  }
}
