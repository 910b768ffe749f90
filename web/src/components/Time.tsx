import { formatTime, zoneName } from '../format/time.ts'
import { usePreferences } from '../shell/preferences.ts'

interface TimeProps {
  at: string | number
  withDate?: boolean
}

/** A moment in the zone that was chosen; hovering shows the other one. */
export function Time({ at, withDate = false }: TimeProps) {
  const { zone } = usePreferences()
  const other = zone === 'utc' ? 'local' : 'utc'
  return (
    <time
      dateTime={typeof at === 'number' ? new Date(at).toISOString() : at}
      title={`${formatTime(at, zone)} ${zoneName(zone)} · ${formatTime(at, other)} ${zoneName(other)}`}
    >
      {formatTime(at, zone, { withDate })}
    </time>
  )
}
