import { useSyncExternalStore } from 'react'
import { type QuerySearch, querySearch } from './search.ts'

/** A query that was run. What it answered is never kept. */
export interface PastQuery {
  query: QuerySearch
  /** Unix milliseconds. */
  at: number
}

const key = 'corroport.queries'
const kept = 50
const listeners = new Set<() => void>()
let queries: readonly PastQuery[] | undefined

/** Newest first; what does not fit is left out. */
export function readHistory(text: string): PastQuery[] {
  try {
    const stored: unknown = JSON.parse(text)
    if (!Array.isArray(stored)) return []
    return stored.flatMap((each: { query?: unknown; at?: unknown } | null) => {
      if (typeof each?.at !== 'number' || typeof each.query !== 'object') return []
      const query = querySearch({ ...each.query })
      return query.sql === undefined ? [] : [{ query, at: each.at }]
    })
  } catch {
    return []
  }
}

/** The same query again moves to the front. */
export function addQuery(before: readonly PastQuery[], added: PastQuery): PastQuery[] {
  const name = JSON.stringify(added.query)
  const others = before.filter(({ query }) => JSON.stringify(query) !== name)
  return [added, ...others].slice(0, kept)
}

function current(): readonly PastQuery[] {
  queries ??= readStored() ?? []
  return queries
}

/** Undefined where storage is off. */
function readStored(): PastQuery[] | undefined {
  try {
    return readHistory(localStorage.getItem(key) ?? '[]')
  } catch {
    return undefined
  }
}

export function setHistory(next: readonly PastQuery[]): void {
  queries = next
  try {
    localStorage.setItem(key, JSON.stringify(next))
  } catch {
    // It then holds for this page only.
  }
  for (const listener of listeners) listener()
}

export function remember(query: QuerySearch): void {
  const { run: _run, ...rest } = query
  // Another tab may have added to it meanwhile.
  setHistory(addQuery(readStored() ?? current(), { query: querySearch(rest), at: Date.now() }))
}

function onChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useHistory(): readonly PastQuery[] {
  return useSyncExternalStore(onChange, current)
}
