import type { Countries } from './countries.ts'
import { countryNumber } from './country-number.ts'

/** Where a client is, in words and as backends are compared with it. */
export interface Whereabouts {
  country: string | undefined
  region: string | undefined
  /** -1: not known. */
  wanted: { country: number; region: number }
}

export function createWhereabouts(
  countries: Countries,
  regions: { byCountry: ReadonlyMap<string, string>; names: readonly string[] },
): (client: string) => Whereabouts {
  return (client) => {
    const country = countries.countryOf(client)
    const region = country === undefined ? undefined : regions.byCountry.get(country)
    return {
      country,
      region,
      wanted: {
        country: countryNumber(country),
        region: region === undefined ? -1 : regions.names.indexOf(region),
      },
    }
  }
}
