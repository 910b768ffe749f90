import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { useLiveEvents } from '../../live/hooks.ts'
import {
  afterEvent,
  type Journey,
  type JourneyEvent,
  missingOf,
  toJourney,
  toJourneyEvent,
} from './journey.ts'

interface Watched {
  /** The chosen message, else the latest; undefined before there is one. */
  journey: Journey | undefined
  /** Newest first. */
  latest: readonly Journey[]
  error: unknown
  isLoading: boolean
}

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
  const latest = [...journeys.values()].toReversed()

  // Before anything happens while the page is open: the newest row of the table.
  const first = useQuery({
    queryKey: ['messages', 'newest'],
    queryFn: () => gateway.messages({ limit: 1 }),
  })
  const pk = chosen ?? latest[0]?.messageId ?? first.data?.messages[0]?.pk
  const live = pk === undefined ? undefined : journeys.get(pk)
  const isDone = live !== undefined && missingOf(live).length === 0
  const detail = useQuery({
    queryKey: ['message', pk],
    queryFn: () => gateway.message(pk ?? ''),
    enabled: pk !== undefined && !isDone,
    // Acknowledgements come as events; this finds what was missed.
    refetchInterval: ({ state }) => (state.data && state.data.missing.length === 0 ? false : 2000),
  })
  const asked = detail.data && detail.data.pk === pk ? toJourney(detail.data) : undefined
  const journey =
    live && asked ? (live.acks.length >= asked.acks.length ? live : asked) : (live ?? asked)
  return {
    journey,
    latest,
    error: journey ? null : (detail.error ?? first.error),
    isLoading: journey === undefined && (first.isLoading || detail.isLoading),
  }
}
