/** Where nodes can be: codes of airports, and whole degrees of latitude and longitude. */
export const regions = {
  ams: [52, 5],
  arn: [60, 18],
  atl: [34, -84],
  bog: [5, -74],
  bom: [19, 73],
  bos: [42, -71],
  cdg: [49, 3],
  den: [40, -105],
  dfw: [33, -97],
  ewr: [41, -74],
  eze: [-35, -59],
  fra: [50, 9],
  gdl: [21, -103],
  gig: [-23, -43],
  gru: [-23, -46],
  hkg: [22, 114],
  iad: [39, -77],
  jnb: [-26, 28],
  lax: [34, -118],
  lhr: [51, 0],
  mad: [40, -4],
  mia: [26, -80],
  nrt: [36, 140],
  ord: [42, -88],
  otp: [45, 26],
  phx: [33, -112],
  qro: [21, -100],
  scl: [-33, -71],
  sea: [47, -122],
  sin: [1, 104],
  sjc: [37, -122],
  syd: [-34, 151],
  waw: [52, 21],
  yul: [45, -74],
  yyz: [44, -80],
} as const satisfies Record<string, readonly [latitude: number, longitude: number]>

export type RegionCode = keyof typeof regions

/** Throws an error that names all codes that are none, and the list. */
export function requireRegions(codes: readonly string[]): RegionCode[] {
  const unknown = codes.filter((code) => !isRegion(code))
  if (codes.length > 0 && unknown.length === 0) return codes.filter(isRegion)
  const what =
    unknown.length === 0
      ? 'no region is named'
      : `no ${unknown.length === 1 ? 'region' : 'regions'}: ${unknown.map((code) => `"${code}"`).join(', ')}`
  throw new Error(`${what}; known are ${Object.keys(regions).join(', ')}`)
}

export function isRegion(code: string): code is RegionCode {
  return Object.hasOwn(regions, code)
}

const earthRadiusKm = 6371
const radiansPerDegree = Math.PI / 180

/** Along the great circle. */
export function distanceKm(from: RegionCode, to: RegionCode): number {
  const [fromLatitude, fromLongitude] = regions[from]
  const [toLatitude, toLongitude] = regions[to]
  const haversine =
    half(toLatitude - fromLatitude) +
    Math.cos(fromLatitude * radiansPerDegree) *
      Math.cos(toLatitude * radiansPerDegree) *
      half(toLongitude - fromLongitude)
  return 2 * earthRadiusKm * Math.asin(Math.sqrt(haversine))
}

function half(degrees: number): number {
  return Math.sin((degrees * radiansPerDegree) / 2) ** 2
}

/** What a round trip between them takes on today's networks: 4 ms, and 1 ms for each 75 km. */
export function roundTripMs(from: RegionCode, to: RegionCode): number {
  return 4 + distanceKm(from, to) / 75
}
