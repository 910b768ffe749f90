import { useSearch } from '@tanstack/react-router'
import { useTimeRange } from '../../shell/time-range.ts'
import { EventFilters } from './EventFilters.tsx'
import { EventLogPanel } from './EventLogPanel.tsx'
import { filterProblem } from './filters.ts'
import './events.css'

/** Every event of the cluster as it happens, as `nats sub` shows it. */
export function EventsPage() {
  const { subjects } = useSearch({ from: '/events' })
  const range = useTimeRange()
  const problem = filterProblem(subjects ?? '')
  return (
    <>
      <h1>Events</h1>
      <EventFilters />
      {problem === undefined ? (
        <EventLogPanel key={`${subjects} ${range.key}`} range={range} />
      ) : (
        <p className="note warn">Nothing is asked for with these subjects: {problem}.</p>
      )}
    </>
  )
}
