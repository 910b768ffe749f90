import usual from './regions.json' with { type: 'json' }

/** Which country lies in which region. Countries are two letters of ISO 3166-1, or XK. */
export interface Regions {
  /** In the order of the file. */
  readonly names: readonly string[]
  readonly byCountry: ReadonlyMap<string, string>
  isCountry: (code: string) => boolean
  /** What a backend of the region is taken to be in when it does not say: the first of the list. */
  defaultCountry: (region: string) => string | undefined
}

const known = new Set(Object.values(usual).flatMap((codes) => codes.split(' ')))
const mostRegions = 256

/**
 * From a JSON object: region → its countries, separated by spaces, the usual one first. Throws an error
 * that names what is wrong. Without an argument: sa, us, eu and ap, among which all countries are divided.
 */
export function parseRegions(json: unknown = usual): Regions {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Error('regions are an object such as {"eu": "DE FR"}')
  }
  const entries = Object.entries(json)
  if (entries.length === 0 || entries.length > mostRegions) {
    throw new Error(`there are ${entries.length} regions: 1 to ${mostRegions} may be`)
  }
  const byCountry = new Map<string, string>()
  const firsts = new Map<string, string>()
  for (const [region, text] of entries) {
    if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(region)) {
      throw new Error(`region ${JSON.stringify(region)} is no name of small letters, digits and -`)
    }
    const codes = typeof text === 'string' ? text.split(' ').filter((code) => code !== '') : []
    const [first] = codes
    if (first === undefined)
      throw new Error(`region ${region} has no countries: name them as "DE FR"`)
    firsts.set(region, first)
    for (const code of codes) {
      if (!known.has(code)) throw new Error(`region ${region}: ${code} is no country`)
      const other = byCountry.get(code)
      if (other !== undefined) throw new Error(`${code} is in ${other} and in ${region}`)
      byCountry.set(code, region)
    }
  }
  return {
    names: entries.map(([region]) => region),
    byCountry,
    isCountry: (code) => known.has(code),
    defaultCountry: (region) => firsts.get(region),
  }
}
