import { isIP, isIPv6 } from 'node:net'

/** An entry of a bootstrap list. */
export interface Host {
  /** A name, or an address without brackets. */
  name: string
  port: number
  /** 0 for a name, which has to be resolved. */
  family: 0 | 4 | 6
  /** `ip:port` or `[ip]:port` of the DNS server to ask; null for those of the system. */
  resolver: string | null
}

/** What agents take where a name has no port. */
const defaultPort = 4001
const label = /^(?!-)[a-zA-Z0-9_-]{1,63}(?<!-)$/

/** What is wrong with the entries of a list, one sentence each. */
export function findHostProblems(entries: readonly string[]): string[] {
  const problems: string[] = []
  const seen = new Set<string>()
  for (const entry of entries) {
    const parsed = parseHost(entry)
    if ('problem' in parsed) {
      problems.push(`${JSON.stringify(entry)}: ${parsed.problem}`)
      continue
    }
    const { name, port, resolver } = parsed
    const meaning = `${formatAddress(name.toLowerCase(), port)}@${resolver ?? ''}`
    if (seen.has(meaning)) problems.push(`${JSON.stringify(entry)}: is there twice`)
    seen.add(meaning)
  }
  return problems
}

/**
 * `ip:port`, `[v6]:port`, `name:port` or `name`; names with an optional `@resolver`. Stricter than
 * agents, which take a wrong port for 4001 and leave out, without a word, what they cannot read.
 */
export function parseHost(text: string): Host | { problem: string } {
  if (text === '') return { problem: 'is empty' }
  const wrong = /[\s\p{C}"'`\\]/u.exec(text)?.[0]
  if (wrong !== undefined) return { problem: `${JSON.stringify(wrong)} cannot be in a host` }
  const [target = '', server, ...rest] = text.split('@')
  if (rest.length > 0) return { problem: 'has more than one @' }

  const literal = parseAddress(target)
  if (literal) {
    if (server !== undefined) return { problem: 'is an address, which no resolver is asked for' }
    return { ...literal, resolver: null }
  }
  const resolver = server === undefined ? null : parseResolver(server)
  if (resolver && 'problem' in resolver) return resolver
  const named = parseName(target)
  if ('problem' in named) return named
  return { ...named, family: 0, resolver: resolver && resolver.address }
}

/** Equal addresses give equal texts. Names are given back with their port. */
export function formatAddress(host: string, port: number): string {
  if (!isIPv6(host)) return `${host}:${port}`
  // A URL has the shortest form of an IPv6 address, but takes no zone.
  const short = host.includes('%') ? `[${host}]` : new URL(`http://[${host}]`).hostname
  return `${short}:${port}`
}

/** `ip:port` or `[v6]:port`; undefined for anything else. */
export function parseAddress(
  text: string,
): { name: string; port: number; family: 4 | 6 } | undefined {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const name = parts?.[1] ?? parts?.[2] ?? ''
  const port = Number(parts?.[3])
  const family = parts?.[1] === undefined ? 4 : 6
  return isIP(name) === family && isPort(port) ? { name, port, family } : undefined
}

/** The same address in the form in which it can be compared; null when it is none. */
export function normalAddress(text: string): string | null {
  const address = parseAddress(text)
  return address ? formatAddress(address.name, address.port) : null
}

/** An agent that is bound to it can be reached there, but nobody else can use it as its address. */
export function isWildcard(address: string): boolean {
  return /^(0\.0\.0\.0|\[::\]):/.test(address)
}

function parseName(target: string): { name: string; port: number } | { problem: string } {
  if (isIPv6(target))
    return { problem: `an IPv6 address needs brackets and a port: [${target}]:${defaultPort}` }
  if (target.startsWith('[')) return parseBracketed(target)
  const [name = '', port, ...rest] = target.split(':')
  if (rest.length > 0) {
    return isIPv6(target.slice(0, target.lastIndexOf(':')))
      ? { problem: 'an IPv6 address needs brackets: [address]:port' }
      : { problem: 'has more than one colon' }
  }
  if (name === '') return { problem: 'has no host' }
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && isPort(Number(port)))) {
    return { problem: `the port must be a number from 1 to 65535, and is ${JSON.stringify(port)}` }
  }
  if (isIP(name)) return { problem: `an address needs a port: ${name}:${defaultPort}` }
  if (/^[\d.]+$/.test(name)) return { problem: `${name} is no IPv4 address` }
  const bare = name.endsWith('.') ? name.slice(0, -1) : name
  if (bare.length > 253 || !bare.split('.').every((part) => label.test(part))) {
    return { problem: `${JSON.stringify(name)} is no host name` }
  }
  return { name, port: port === undefined ? defaultPort : Number(port) }
}

function parseBracketed(target: string): { problem: string } {
  const [, inside = '', rest = ''] = /^\[([^\]]*)\]?(.*)$/s.exec(target) ?? []
  if (!isIPv6(inside)) return { problem: `${JSON.stringify(inside)} is no IPv6 address` }
  if (!target.includes(']')) return { problem: 'the bracket is not closed' }
  if (rest === '') return { problem: `an address needs a port: ${target}:${defaultPort}` }
  return {
    problem: `the port must be a number from 1 to 65535, and is ${JSON.stringify(rest.replace(/^:/, ''))}`,
  }
}

/** Agents take an address, and with another text here they give up the whole list. */
function parseResolver(server: string): { address: string } | { problem: string } {
  if (isIP(server)) return { address: formatAddress(server, 53) }
  const address = normalAddress(server)
  if (address !== null) return { address }
  return {
    problem: `the resolver ${JSON.stringify(server)} must be an address, such as 10.0.0.53 or [fd00::53]:53`,
  }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}
