import { promises as dns } from 'node:dns'
import { isIP } from 'node:net'

import { type Address, formatAddress, parseAddress } from './address.ts'
import { pick } from './swim.ts'

const defaultPort = 4001
const maxAddresses = 10
const dnsTimeoutMs = 5_000

/** Finds the addresses of a name; an empty list when it has none. */
export type Resolve = (name: string, resolver: string | undefined) => Promise<string[]>

type Host = Address & { resolver: string | undefined }

/**
 * The addresses that the list means: `ip:port`, `[ip]:port`, `name`, `name:port`, each name with an
 * optional `@resolver`. Undefined when one name cannot be asked for, as Corrosion then uses none.
 */
export async function resolveBootstrap(
  entries: readonly string[],
  own: Address,
  resolve: Resolve = resolveName,
): Promise<Address[] | undefined> {
  const found: Address[] = []
  try {
    for (const entry of entries) {
      const literal = parseAddress(entry)
      if (literal) {
        found.push(literal)
        continue
      }
      const { host, port, resolver } = parseHost(entry)
      if (!(port > 0 && port <= 65_535)) continue
      const hosts = await resolve(host, resolver)
      found.push(
        ...hosts.filter((ip) => isIP(ip) === isIP(own.host)).map((ip) => ({ host: ip, port })),
      )
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
  const others = new Map(found.map((address) => [formatAddress(address), address]))
  others.delete(formatAddress(own))
  return pick([...others.values()], maxAddresses)
}

function parseHost(entry: string): Host {
  const [name = '', resolver] = entry.split('@', 2)
  const [host = '', port] = name.split(':', 2)
  return { host, port: port === undefined ? defaultPort : Number(port), resolver }
}

async function resolveName(name: string, resolver: string | undefined): Promise<string[]> {
  if (isIP(name)) return [name]
  try {
    if (resolver === undefined) {
      return (await dns.lookup(name, { all: true })).map(({ address }) => address)
    }
    const asked = new dns.Resolver({ timeout: dnsTimeoutMs, tries: 2 })
    asked.setServers([resolver])
    const answers = await Promise.all([
      asked.resolve4(name).catch(emptyIfNone),
      asked.resolve6(name).catch(emptyIfNone),
    ])
    return answers.flat()
  } catch (error) {
    return emptyIfNone(error)
  }
}

/** A name without records is passed over; any other failure is one. */
function emptyIfNone(error: unknown): string[] {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOTFOUND' || code === 'ENODATA') return []
  throw error
}
