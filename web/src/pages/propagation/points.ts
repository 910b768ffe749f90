import type { NodeSummary } from '@corroport/contracts'
import type { MapNode } from '../../map/scene.ts'
import { type Journey, missingOf } from './journey.ts'

export interface MapPoint extends MapNode {
  /** What its colour says. */
  meaning: string
}

/** The nodes with what a message is to each of them. */
export function pointsOf(nodes: readonly NodeSummary[], journey: Journey | undefined): MapPoint[] {
  const missing = new Set(journey ? missingOf(journey) : [])
  const acked = new Set(journey?.acks.map(({ nodeId }) => nodeId))
  const toneOf = ({ node_id: id, presence, is_local }: NodeSummary) => {
    if (journey?.origin === id) return { tone: 'origin', meaning: 'sent it' } as const
    if (acked.has(id)) return { tone: 'good', meaning: 'acknowledged' } as const
    if (presence === 'lost') return { tone: 'bad', meaning: 'lost' } as const
    if (missing.has(id)) return { tone: 'waiting', meaning: 'acknowledgement is missing' } as const
    if (!journey && is_local) return { tone: 'origin', meaning: 'this node' } as const
    return { tone: 'quiet', meaning: presence === 'present' ? 'not asked' : presence } as const
  }
  return nodes.map((node) => ({ id: node.node_id, region: node.region, ...toneOf(node) }))
}
