import { floorMs, kilometresBetween } from '../../map/places.ts'
import type { Journey } from './journey.ts'

/** What a link from the origin to one node did, beside what physics allows. */
export interface LinkRow {
  nodeId: string
  region: string | null
  roundTripMs: number | null
  via: string | null
  attempts: number | null
  wasPresent: boolean
  kilometres: number | null
  floorMs: number | null
  /** Measured over floor; null where the floor is not known or nearly nothing. */
  timesFloor: number | null
}

export function linksOf(
  { origin, expected, acks }: Journey,
  regionOf: (nodeId: string) => string | null,
): LinkRow[] {
  const from = regionOf(origin)
  const byNode = new Map(acks.map((ack) => [ack.nodeId, ack]))
  return expected.map(({ nodeId, wasPresent }) => {
    const region = regionOf(nodeId)
    const ack = byNode.get(nodeId)
    const floor = floorMs(from, region) ?? null
    return {
      nodeId,
      region,
      roundTripMs: ack?.roundTripMs ?? null,
      via: ack?.via ?? null,
      attempts: ack?.attempts ?? null,
      wasPresent,
      kilometres: kilometresBetween(from, region) ?? null,
      floorMs: floor,
      timesFloor: ack && floor !== null && floor > 0.1 ? ack.roundTripMs / floor : null,
    }
  })
}
