import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { gateway } from '../../api/gateway.ts'
import { gatewayNow } from '../../api/gateway-clock.ts'
import { useLiveEvents, useLiveState } from '../../live/hooks.ts'
import type { TimeRange } from '../../shell/time-range.ts'
import { add, backfill, emptyLog, fromRecords, release, toLogged } from './event-log.ts'

/** Of the time range, so many are asked for. */
export const backfilled = 500

interface Wanted {
  /** Filters, with commas. */
  subjects: string
  rate: number
  range: TimeRange
  /** What comes waits. */
  isHeld: boolean
}

/** What the streams still have of the time range, and what comes, where the range is not over. */
export function useEventLog({ subjects, rate, range, isHeld }: Wanted) {
  const [log, setLog] = useState(emptyLog)
  const { skipped } = useLiveState()
  const [skippedBefore] = useState(skipped)
  const isLive = range.until === undefined

  useLiveEvents(isLive ? { subjects, rate } : {}, (events) => {
    setLog((old) => add(old, toLogged(events, gatewayNow()), isHeld))
  })
  const past = useQuery({
    queryKey: ['events', subjects, range.key],
    queryFn: () =>
      gateway.records({ subjects, since: range.since(), until: range.until, limit: backfilled }),
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
  })
  const [taken, setTaken] = useState<typeof past.data>()
  if (past.data !== taken) {
    setTaken(past.data)
    if (past.data) setLog(backfill(log, fromRecords(past.data.records)))
  }
  if (!isHeld && log.waiting.length > 0) setLog(release(log))

  return {
    log,
    past,
    isLive,
    /** Above the rate, since the page was opened. */
    skipped: skipped - skippedBefore,
    clear: () => setLog(emptyLog),
  }
}
