import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { isNotFound } from '../../api/errors.ts'
import { gateway } from '../../api/gateway.ts'
import { useLiveEvents } from '../../live/hooks.ts'
import {
  afterEvent,
  type Journey,
  type JourneyEvent,
  merged,
  missingOf,
  toJourney,
  toJourneyEvent,
} from './journey.ts'

interface Watched {
  /** The chosen message, else the latest; undefined before there is one. */
  journey: Journey | undefined
  error: unknown
  isLoading: boolean
  askAgain: () => void
}

const everyMs = 2000

/** Follows messages as they travel; `onEvents` hears of each step. */
export function useJourneys(
  chosen: string | undefined,
  onEvents: (events: JourneyEvent[]) => void,
): Watched {
  const [journeys, setJourneys] = useState<ReadonlyMap<string, Journey>>(new Map())
  useLiveEvents({ topics: ['messages'] }, (events) => {
    const steps = events.flatMap((event) => toJourneyEvent(event) ?? [])
    if (steps.length === 0) return
    onEvents(steps)
    setJourneys((old) => steps.reduce(afterEvent, old))
  })
  const latest = [...journeys.keys()].at(-1)

  // Before anything happens while the page is open: the newest row of the table.
  const first = useQuery({
    queryKey: ['messages', 'newest'],
    queryFn: () => gateway.messages({ limit: 1 }),
    refetchInterval: ({ state }) => (state.data ? false : everyMs),
  })
  const pk = chosen ?? latest ?? first.data?.messages[0]?.pk
  const live = pk === undefined ? undefined : journeys.get(pk)
  const isDone = live !== undefined && missingOf(live).length === 0
  const detail = useQuery({
    queryKey: ['message', pk],
    queryFn: () => gateway.message(pk ?? ''),
    enabled: pk !== undefined && !isDone,
    // Acknowledgements come as events; this finds what was missed.
    refetchInterval: ({ state }) =>
      state.data && state.data.missing.length === 0 ? false : everyMs,
  })
  const answer = detail.data?.pk === pk ? detail.data : undefined
  // A new one with each render would have the table, which is rendered after it, rendered for ever.
  const journey = useMemo(() => {
    const asked = answer && toJourney(answer)
    return live && asked ? merged(live, asked) : (live ?? asked)
  }, [live, answer])
  return {
    journey,
    // Of a message that is under way this node may not know yet.
    error:
      isDone || (live && isNotFound(detail.error))
        ? null
        : (detail.error ?? (journey ? null : first.error)),
    isLoading: journey === undefined && (first.isLoading || detail.isLoading),
    askAgain: () => void (pk === undefined ? first : detail).refetch(),
  }
}
