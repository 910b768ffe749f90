import type { GeoProjection } from 'd3-geo'
import { placeOf } from './places.ts'

export interface PlacedNode {
  id: string
  x: number
  y: number
  /** Longitude and latitude; undefined where the region is on no map. */
  at: [number, number] | undefined
}

interface Size {
  width: number
  height: number
}

/** Height of the strip below the map, for nodes that are on none. */
export const stripHeight = 46
const spread = 9

/**
 * Where nodes are drawn. Those of one region stand around its place; those whose region is on no map
 * stand in a strip below it, or on a ring when that is all of them.
 */
export function placeNodes(
  nodes: readonly { id: string; region: string | null }[],
  projection: GeoProjection,
  { width, height }: Size,
): PlacedNode[] {
  const byPlace = Map.groupBy(nodes, ({ region }) => placeOf(region)?.join() ?? '')
  const homeless = byPlace.get('') ?? []
  byPlace.delete('')
  const placed: PlacedNode[] = []
  for (const group of byPlace.values()) {
    const place = placeOf(group[0]?.region ?? null)
    if (!place) continue
    const at: [number, number] = [place[1], place[0]]
    const [x, y] = projection(at) ?? [0, 0]
    group.forEach(({ id }, index) => {
      const [dx, dy] = group.length === 1 ? [0, 0] : aroundCentre(index)
      placed.push({ id, x: x + dx, y: y + dy, at })
    })
  }
  const isRing = placed.length === 0
  homeless.forEach(({ id }, index) => {
    const share = index / homeless.length
    const angle = 2 * Math.PI * share - Math.PI / 2
    const radius = Math.min(width, height) * 0.36
    placed.push({
      id,
      x: isRing ? width / 2 + radius * Math.cos(angle) : width * ((index + 0.5) / homeless.length),
      y: isRing ? height / 2 + radius * Math.sin(angle) : height - stripHeight / 2,
      at: undefined,
    })
  })
  return placed
}

/** As seeds stand in a sunflower: close, and none upon another. */
function aroundCentre(index: number): [number, number] {
  const angle = index * Math.PI * (3 - Math.sqrt(5))
  const radius = spread * Math.sqrt(index + 0.6)
  return [radius * Math.cos(angle), radius * Math.sin(angle)]
}
