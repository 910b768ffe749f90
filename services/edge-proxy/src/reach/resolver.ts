import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'

/** Where a host is, or why nobody knows. */
export type Resolved = { address: string } | { reason: string }

/** Addresses of backends that are named, looked up again and again while they are in use. */
export interface Resolver extends Disposable {
  /** At once. A name that was not asked for before is `pending`: `onChange` tells when it is known. */
  resolve(host: string): Resolved | 'pending'
  /** Names that are in use; the others are forgotten. */
  keep(hosts: ReadonlySet<string>): void
}

export interface ResolverOptions {
  everyMs: number
  /** Why a backend may not have this address; undefined: it may. */
  refuse: (address: string) => string | undefined
  onChange: () => void
  find?: (host: string) => Promise<readonly string[]>
}

export function createResolver(options: ResolverOptions): Resolver {
  const { everyMs, refuse, onChange, find = findAll } = options
  const known = new Map<string, Resolved | 'pending'>()
  let isDisposed = false

  const look = async (host: string): Promise<void> => {
    const before = known.get(host)
    const found = await lookUp(host, refuse, find)
    if (isDisposed || !known.has(host)) return
    // An address that was good stays while the name cannot be looked up.
    const isKept = 'reason' in found && typeof before === 'object' && 'address' in before
    if (isKept && !found.isRefused) return
    known.set(host, found)
    if (textOf(before) !== textOf(found)) onChange()
  }
  const looking = setInterval(() => {
    for (const host of known.keys()) void look(host)
  }, everyMs)

  return {
    resolve(host) {
      if (isIP(host) !== 0) return { address: host }
      const found = known.get(host)
      if (found !== undefined) return found
      known.set(host, 'pending')
      void look(host)
      return 'pending'
    },
    keep(hosts) {
      for (const host of known.keys()) {
        if (!hosts.has(host)) known.delete(host)
      }
    },
    [Symbol.dispose]() {
      isDisposed = true
      clearInterval(looking)
    },
  }
}

/** The first address that is allowed. One of several that is refused is passed over. */
export async function lookUp(
  host: string,
  refuse: (address: string) => string | undefined,
  find: (host: string) => Promise<readonly string[]> = findAll,
): Promise<{ address: string } | { reason: string; isRefused: boolean }> {
  let addresses: readonly string[]
  try {
    addresses = isIP(host) === 0 ? await find(host) : [host]
  } catch (error) {
    const code = Error.isError(error) && 'code' in error ? String(error.code) : String(error)
    return { reason: `${host} is not found (${code})`, isRefused: false }
  }
  const refusals = addresses.map(refuse)
  const allowed = addresses[refusals.indexOf(undefined)]
  if (allowed !== undefined) return { address: allowed }
  return { reason: refusals[0] ?? `${host} has no address`, isRefused: true }
}

async function findAll(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

function textOf(found: Resolved | 'pending' | undefined): string {
  return typeof found === 'object' && 'address' in found ? found.address : JSON.stringify(found)
}
