import { useSearch } from '@tanstack/react-router'
import { useTimeRange } from '../../shell/time-range.ts'
import { EventFilters } from './EventFilters.tsx'
import { EventLogPanel } from './EventLogPanel.tsx'
import './events.css'

/** Every event of the cluster as it happens, as `nats sub` shows it. */
export function EventsPage() {
  const { subjects } = useSearch({ from: '/events' })
  const range = useTimeRange()
  return (
    <>
      <h1>Events</h1>
      <EventFilters />
      <EventLogPanel key={`${subjects} ${range.key}`} range={range} />
    </>
  )
}
