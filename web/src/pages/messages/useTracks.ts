import { type UseQueryResult, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { useLiveEvents } from '../../live/hooks.ts'
import { eventOf } from '../../live/payloads.ts'
import type { TimeRange } from '../../shell/time-range.ts'
import { createTracks, type Track, trackedSubjects } from './tracks.ts'

// A table of hundreds of rows is drawn at most so often, however many events come.
const restMs = 100
const historyEveryMs = 30_000
const mostRecords = 2000
/** Acknowledgements of messages that were sent at the end of the range come after it. */
export const laterAcksMs = 60_000

interface History {
  /** Where the records were cut, the time of the oldest one that came. */
  cutAt: string | undefined
}

/** Messages as events tell of them: those of the time range, and then as they come. */
export function useTracks(range: TimeRange): {
  tracks: readonly Track[]
  history: UseQueryResult<History>
} {
  const [tracks] = useState(createTracks)
  const [shown, setShown] = useState<readonly Track[]>([])
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const shownAt = useRef(0)

  const show = (): void => {
    timer.current = undefined
    shownAt.current = performance.now()
    setShown(tracks.list())
  }
  const showSoon = (): void => {
    if (timer.current !== undefined) return
    const wait = shownAt.current + restMs - performance.now()
    if (wait <= 0) show()
    else timer.current = setTimeout(show, wait)
  }
  useEffect(() => () => clearTimeout(timer.current), [])

  useLiveEvents({ topics: ['messages'] }, (events) => {
    if (tracks.take(events)) showSoon()
  })

  const { until } = range
  const history = useQuery({
    queryKey: ['records', trackedSubjects, range.key],
    queryFn: async () => {
      const { records, is_cut } = await gateway.records({
        subjects: trackedSubjects,
        since: range.since(),
        until: until && new Date(Date.parse(until) + laterAcksMs).toISOString(),
        limit: mostRecords,
      })
      tracks.take(records.map(eventOf))
      showSoon()
      return { cutAt: is_cut ? records.at(-1)?.stored_at : undefined }
    },
    refetchInterval: until === undefined ? historyEveryMs : false,
  })
  return { tracks: shown, history }
}
