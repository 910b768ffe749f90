import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { Copy } from '../../components/Copy.tsx'
import { ErrorNote } from '../../components/Notice.tsx'
import { Panel } from '../../components/Panel.tsx'
import { formatCount } from '../../format/number.ts'
import { type TimeRange, useSetRange } from '../../shell/time-range.ts'
import { EventList } from './EventList.tsx'
import { type EventLog, mostEvents, search } from './event-log.ts'
import { asNatsCommand, asTapCommand, everyRecord, filtersOf } from './filters.ts'
import { usualRate } from './search.ts'
import { backfilled, useEventLog } from './useEventLog.ts'

/** Events of some subjects, newest first; they stay where they are while somebody reads them. */
export function EventLogPanel({ range }: { range: TimeRange }) {
  const searched = useSearch({ from: '/events' })
  const { q = '', rate = usualRate, paused } = searched
  const filters = searched.subjects === undefined ? everyRecord : filtersOf(searched.subjects)
  const subjects = filters.join(',')
  const navigate = useNavigate({ from: '/events' })
  const [openId, setOpenId] = useState<number>()
  const [isReading, setReading] = useState(false)
  const [returns, setReturns] = useState(0)
  const isPaused = paused === 1
  const isHeld = isPaused || isReading || openId !== undefined
  const { log, past, isLive, skipped, clear } = useEventLog({ subjects, rate, range, isHeld })
  const found = search(log.shown, q)

  const toNewest = (): void => {
    setOpenId(undefined)
    setReading(false)
    setReturns((count) => count + 1)
  }
  const pause = (isWanted: boolean): void =>
    void navigate({
      search: ({ paused: _paused, ...rest }) => (isWanted ? { ...rest, paused: 1 } : rest),
      replace: true,
    })

  return (
    <Panel
      title="Events"
      aside={
        <>
          {q === '' ? '' : `${formatCount(found.length)} of `}
          {formatCount(log.shown.length)} events, at most {formatCount(mostEvents)} are kept here
          {skipped > 0 && <strong> · {formatCount(skipped)} skipped above the rate</strong>}
        </>
      }
      actions={
        <>
          {isLive && (
            <button type="button" aria-pressed={isPaused} onClick={() => pause(!isPaused)}>
              {isPaused ? 'Resume' : 'Pause'}
            </button>
          )}
          <button
            type="button"
            className="quiet"
            onClick={() => {
              clear()
              toNewest()
            }}
          >
            Clear
          </button>
          <Copy label="Copy nats command" text={asNatsCommand(filters)} />
          <Copy label="Copy CLI command" text={asTapCommand(filters)} />
        </>
      }
    >
      {past.error && (
        <ErrorNote error={past.error} what="older events" onRetry={() => void past.refetch()} />
      )}
      <div className="events-state">
        {!isLive && 'A time range that is over: nothing new comes in.'}
        {isLive && !isHeld && 'New events come on top.'}
        {isLive && isHeld && (
          <>
            {isPaused ? 'Paused' : 'Held while you read'}: {formatCount(log.waiting.length)} new.{' '}
            {!isPaused && (
              <button type="button" onClick={toNewest}>
                To the newest
              </button>
            )}
          </>
        )}
        {past.data?.is_cut && ` Of the time range, the newest ${backfilled}.`}
        {past.isFetching && ' Loading older events …'}
      </div>
      {log.missed && <Missed missed={log.missed} />}
      {found.length > 0 && (
        <EventList
          events={found}
          openId={openId}
          onOpen={setOpenId}
          onReading={setReading}
          returns={returns}
        />
      )}
      {found.length === 0 && !past.isFetching && (
        <p className="empty">
          {log.shown.length > 0
            ? 'No event that is kept here has this text.'
            : 'No event of these subjects in the time range. What happens in the cluster shows up here.'}
        </p>
      )}
    </Panel>
  )
}

/** More came while it was held than is kept; the streams may have it still. */
function Missed({ missed: { count, from, to } }: { missed: NonNullable<EventLog['missed']> }) {
  const setRange = useSetRange()
  const show = (): void =>
    setRange({ from: new Date(from).toISOString(), to: new Date(to + 1).toISOString() })
  return (
    <p className="note warn">
      {formatCount(count)} events came meanwhile that no longer had a place here.{' '}
      <button type="button" onClick={show}>
        Show their time
      </button>
    </p>
  )
}
