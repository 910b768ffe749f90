import { type Backend, parseBackend, type RowRules } from './backend.ts'
import type { Leases } from './leases.ts'
import type { RowNews } from './source.ts'

/** The rows of `backends` as this proxy understands them. */
export interface BackendTable {
  /** Rows that were read. Returns what has changed, by id; null: it is gone. */
  apply(news: readonly RowNews[]): ReadonlyMap<string, Backend | null>
  /** By id. */
  readonly backends: ReadonlyMap<string, Backend>
  /** Rows that do not route, with the reason, by their key's text. */
  readonly setAside: ReadonlyMap<string, SetAside>
}

export interface SetAside {
  id: string
  reason: string
}

/** Why its row keeps a backend from being chosen; undefined: it may be. */
export function rowRefusal(backend: Backend, leases: Leases): string | undefined {
  if (!backend.isHealthy) return 'reported unhealthy'
  if (backend.isDraining) return 'draining'
  if (leases.isOver(backend.id)) return 'its lease is over'
  return undefined
}

export function createBackendTable(rules: RowRules, leases: Leases): BackendTable {
  const backends = new Map<string, Backend>()
  const setAside = new Map<string, SetAside>()
  /** What a key's row was taken for. */
  const idOfKey = new Map<string, string>()

  return {
    backends,
    setAside,
    apply(news) {
      const changed = new Map<string, Backend | null>()
      for (const { key, row, how } of news) {
        setAside.delete(key)
        const known = idOfKey.get(key)
        if (known !== undefined) {
          idOfKey.delete(key)
          backends.delete(known)
          leases.forget(known)
          changed.set(known, null)
        }
        if (row === null) continue
        const parsed = parseBackend(row, rules)
        if (!('backend' in parsed)) {
          setAside.set(key, parsed)
          continue
        }
        const { backend } = parsed
        if (backend.isDeleted) continue
        idOfKey.set(key, backend.id)
        backends.set(backend.id, backend)
        leases.see(backend.id, { until: backend.leaseUntil, givenAt: backend.updatedAt }, how)
        changed.set(backend.id, backend)
      }
      return changed
    },
  }
}
