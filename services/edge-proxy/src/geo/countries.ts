import { BlockList, isIPv6 } from 'node:net'
import { Reader, type Response } from 'maxmind'

/** In which country addresses are, by a database in memory that threads share. */
export interface Countries {
  /** From now on. Throws when it is no such database. */
  use(database: SharedArrayBuffer): void
  /** Two letters; undefined: not known, or private. */
  countryOf(address: string): string | undefined
}

interface Found extends Record<string, unknown> {
  country_code?: unknown
  country?: { iso_code?: unknown }
}

// Databases made from registries have some of these as of the country of whoever reserved them.
const nowhere = new BlockList()
for (const [network, prefix] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  nowhere.addSubnet(network, prefix)
}
nowhere.addAddress('::1', 'ipv6')
nowhere.addSubnet('fc00::', 7, 'ipv6')
nowhere.addSubnet('fe80::', 10, 'ipv6')

// A look takes tens of microseconds, and clients come back.
const mostRemembered = 16_384

/** Understands what GeoLite2-Country holds (`country.iso_code`), and `country_code`. */
export function createCountries(): Countries {
  let reader: Reader<Response & Found> | undefined
  const remembered = new Map<string, string | undefined>()

  const look = (address: string): string | undefined => {
    if (nowhere.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')) return undefined
    const found: Found | null | undefined = reader?.get(address)
    const code = found?.country_code ?? found?.country?.iso_code
    return typeof code === 'string' && /^[A-Z]{2}$/.test(code) ? code : undefined
  }

  return {
    use(database) {
      const next = new Reader<Response & Found>(Buffer.from(database))
      next.get('1.1.1.1') // a file that is cut off fails here
      reader = next
      remembered.clear()
    },
    countryOf(address) {
      const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
      if (remembered.has(plain)) return remembered.get(plain)
      const code = look(plain)
      if (remembered.size >= mostRemembered) remembered.clear()
      remembered.set(plain, code)
      return code
    },
  }
}
