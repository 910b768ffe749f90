import type { NodeSummary } from '@corroport/contracts'
import type { MapNode } from '../../map/WorldMap.tsx'
import { type Journey, missingOf } from './journey.ts'

export interface MapPoint extends MapNode {
  /** What its colour says. */
  meaning: string
}

/** The nodes with what a message is to each of them. */
export function pointsOf(nodes: readonly NodeSummary[], journey: Journey | undefined): MapPoint[] {
  const missing = journey ? missingOf(journey) : []
  return nodes.map(({ node_id: id, region, presence, is_local }) => ({
    id,
    region,
    ...toneOf(id, presence, is_local, journey, missing),
  }))
}

function toneOf(
  id: string,
  presence: NodeSummary['presence'],
  isLocal: boolean,
  journey: Journey | undefined,
  missing: readonly string[],
): Pick<MapPoint, 'tone' | 'meaning'> {
  if (journey?.origin === id) return { tone: 'origin', meaning: 'sent it' }
  if (journey?.acks.some(({ nodeId }) => nodeId === id)) {
    return { tone: 'good', meaning: 'acknowledged' }
  }
  if (presence === 'lost') return { tone: 'bad', meaning: 'lost' }
  if (missing.includes(id)) return { tone: 'waiting', meaning: 'acknowledgement is missing' }
  if (!journey && isLocal) return { tone: 'origin', meaning: 'this node' }
  return { tone: 'quiet', meaning: presence === 'present' ? 'not asked' : presence }
}
