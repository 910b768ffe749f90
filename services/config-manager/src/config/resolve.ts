import { Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import type { HostResolution } from '@corroport/contracts'
import { formatAddress, type Host, parseHost } from './hosts.ts'

/** The addresses of a name; an empty list where it has none. Rejects when nobody can say. */
export type LookUp = (name: string, family: 4 | 6, resolver: string | null) => Promise<string[]>

/**
 * What each entry of a bootstrap list means for an agent whose gossip address is of this family: it
 * asks for that family only.
 */
export function resolveHosts(
  entries: readonly string[],
  gossipAddress: string | null,
  lookUp: LookUp = askDns,
): Promise<HostResolution[]> {
  const family = gossipAddress?.startsWith('[') === true ? 6 : 4
  return Promise.all(
    entries.map(async (entry) => {
      const host = parseHost(entry)
      if ('problem' in host) return { host: entry, addresses: [], error: host.problem }
      try {
        const addresses = await resolveHost(host, family, lookUp)
        return { host: entry, addresses, error: null }
      } catch (error) {
        return { host: entry, addresses: [], error: toReason(error, host) }
      }
    }),
  )
}

async function resolveHost(host: Host, family: 4 | 6, lookUp: LookUp): Promise<string[]> {
  const { name, port, resolver } = host
  const other = family === 4 ? 6 : 4
  const mismatch = `only IPv${other}, and the gossip address is IPv${family}`
  if (host.family !== 0) {
    if (host.family !== family) throw new Error(`is ${mismatch}`)
    return [formatAddress(name, port)]
  }
  const [usable, unusable] = await Promise.all([
    lookUp(name, family, resolver),
    // Only to say why there is none, so that it may fail.
    lookUp(name, other, resolver).catch(() => []),
  ])
  if (usable.length === 0)
    throw new Error(unusable.length > 0 ? `has ${mismatch}` : 'has no address')
  return usable.map((ip) => formatAddress(ip, port)).toSorted()
}

const timeoutMs = 2000

/** Asks DNS as agents do: the system's servers and search list, or one server; never /etc/hosts. */
async function askDns(name: string, family: 4 | 6, server: string | null): Promise<string[]> {
  if (name.toLowerCase().replace(/\.$/, '') === 'localhost')
    return [family === 4 ? '127.0.0.1' : '::1']
  const resolver = new Resolver({ timeout: timeoutMs / 2, tries: 2 })
  if (server !== null) resolver.setServers([server])
  const overdue = setTimeout(() => resolver.cancel(), timeoutMs)
  try {
    const names = server === null ? searched(name, await readResolvConf()) : [name]
    for (const each of names) {
      const found = await (family === 4 ? resolver.resolve4(each) : resolver.resolve6(each)).catch(
        noneIfEmpty,
      )
      if (found.length > 0) return found
    }
    return []
  } finally {
    clearTimeout(overdue)
  }
}

/** The names to ask for, in order, as the machine's resolv.conf wants it. */
export function searched(name: string, resolvConf: string): string[] {
  if (name.endsWith('.')) return [name]
  const lines = resolvConf.split('\n').map((line) => line.trim().split(/\s+/))
  const domains = lines.findLast(([key]) => key === 'search' || key === 'domain')?.slice(1) ?? []
  const option = lines
    .findLast(([key]) => key === 'options')
    ?.find((each) => each.startsWith('ndots:'))
  const ndots = Number(option?.slice('ndots:'.length) ?? 1)
  const found = domains.map((domain) => `${name}.${domain.replace(/^\./, '')}`)
  const dots = name.split('.').length - 1
  return dots >= ndots ? [name, ...found] : [...found, name]
}

async function readResolvConf(): Promise<string> {
  try {
    return await readFile('/etc/resolv.conf', 'utf8')
  } catch {
    return '' // a system without one has no search list either
  }
}

/** No such name, or none of this kind: both are an answer. */
function noneIfEmpty(error: unknown): string[] {
  const code = Error.isError(error) && 'code' in error ? error.code : undefined
  if (code === 'ENOTFOUND' || code === 'ENODATA') return []
  throw error
}

function toReason(error: unknown, { resolver }: Host): string {
  const code = Error.isError(error) && 'code' in error ? String(error.code) : undefined
  const asked = resolver === null ? 'DNS' : resolver
  if (code === 'ECANCELLED' || code === 'ETIMEOUT')
    return `${asked} did not answer in ${timeoutMs} ms`
  if (code === 'ECONNREFUSED') return `${asked} refused the question`
  return code === undefined && Error.isError(error) ? error.message : `${asked} answered ${code}`
}
