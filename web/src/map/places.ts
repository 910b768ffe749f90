import { distanceKm, isRegion, regions } from '@corroport/contracts'

/** Latitude and longitude of a region; undefined for one that is on no map, such as `local`. */
export function placeOf(region: string | null): readonly [number, number] | undefined {
  return region !== null && isRegion(region) ? regions[region] : undefined
}

/** Along the great circle; undefined where one of the two is on no map. */
export function kilometresBetween(from: string | null, to: string | null): number | undefined {
  if (from === null || to === null || !isRegion(from) || !isRegion(to)) return undefined
  return distanceKm(from, to)
}

/** Light in glass fibre: two thirds of that in a vacuum. Kilometres a millisecond. */
const fibreKmPerMs = 200

/** No round trip between the two can take less, whatever the network. Milliseconds. */
export function floorMs(from: string | null, to: string | null): number | undefined {
  const kilometres = kilometresBetween(from, to)
  return kilometres === undefined ? undefined : (2 * kilometres) / fibreKmPerMs
}
