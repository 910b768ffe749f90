import { type QueryKey, useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useLiveEvents } from './hooks.ts'
import type { LiveWish, NamedEvent } from './live.ts'

const restMs = 300

/** Asks again for what a query told, when events say that it changed; never twice at a time. */
export function useRefetchOn(
  wish: LiveWish,
  queryKey: QueryKey,
  concerns: (event: NamedEvent) => boolean,
): void {
  const queries = useQueryClient()
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  function refetch(): void {
    timer.current = undefined
    // What is under way may have been read before the change.
    if (queries.isFetching({ queryKey }) > 0) timer.current = setTimeout(refetch, restMs)
    else void queries.invalidateQueries({ queryKey })
  }
  useLiveEvents(wish, (events) => {
    if (events.some(concerns)) timer.current ??= setTimeout(refetch, restMs)
  })
  useEffect(() => () => clearTimeout(timer.current), [])
}
