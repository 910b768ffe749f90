import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { given } from '../../search.ts'
import { type QueryChange, type QuerySearch, querySearch } from './search.ts'

// Browsers refuse to change an address with each key.
const restMs = 300
/** Servers read addresses of up to 16 KiB with all else that a request brings. */
const addressLength = 8000

/** What is being typed: in the address a moment later, and taken from there when that changes. */
export function useDraft(): [QuerySearch, (part: QueryChange) => void] {
  const search = useSearch({ from: '/query-console' })
  const navigate = useNavigate({ from: '/query-console' })
  const address = querySearch({ ...search })
  const name = JSON.stringify(address)
  const [draft, setDraft] = useState(address)
  const [seen, setSeen] = useState(name)
  const [written, setWritten] = useState(name)
  if (name !== seen) {
    setSeen(name)
    if (name !== written) setDraft(address)
  }

  const kept = isTooLong(draft) ? { ...draft, sql: undefined } : draft
  const keptName = JSON.stringify(querySearch({ ...kept }))
  useEffect(() => {
    if (keptName === name) return undefined
    const timer = setTimeout(() => {
      setWritten(keptName)
      void navigate({
        search: ({ range, from, to, tables }) => ({
          ...given({ range, from, to, tables }),
          ...(JSON.parse(keptName) as QuerySearch),
        }),
        replace: true,
      })
    }, restMs)
    return () => clearTimeout(timer)
  }, [keptName, name, navigate])

  return [draft, (part) => setDraft((old) => querySearch({ ...old, ...part }))]
}

/** Whether the statement does not fit into an address, so that no link holds it. */
export function isTooLong({ sql = '' }: QuerySearch): boolean {
  return encodeURIComponent(sql).length > addressLength
}
