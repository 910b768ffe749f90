import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { messageOf } from '../api/errors.ts'
import { gateway } from '../api/gateway.ts'
import { useGatewayAheadMs } from '../api/gateway-clock.ts'
import { sessionQuery } from '../api/queries.ts'
import { Badge, State } from '../components/Badge.tsx'
import { useNow } from '../components/clock.ts'
import { forgetToasts, toast } from '../components/toasts.ts'
import { formatDuration, zoneName } from '../format/time.ts'
import { useLive, useLiveState } from '../live/hooks.ts'
import { forgetDrafts } from './kept-drafts.ts'
import { setPreferences, usePreferences } from './preferences.ts'
import { RangeControl } from './RangeControl.tsx'

interface HeaderProps {
  onOpen: (open: 'palette' | 'help' | 'history') => void
  onSignedOut: () => void
}

export function Header({ onOpen, onSignedOut }: HeaderProps) {
  const { data: session } = useQuery(sessionQuery)
  const { theme, zone } = usePreferences()
  const isReadOnly = session?.is_read_only === true || session?.principal?.role === 'viewer'
  return (
    <header className="top">
      <Link to="/" className="brand">
        CorroPort
      </Link>
      <Own />
      <LiveMark />
      <ClockMark />
      {isReadOnly && <Badge tone="info">read-only</Badge>}
      <span className="fill" />
      <RangeControl />
      <button
        type="button"
        onClick={() => setPreferences({ zone: zone === 'utc' ? 'local' : 'utc' })}
      >
        <span className="unseen">Times are </span>
        {zoneName(zone)}
      </button>
      <label className="compact">
        <span className="unseen">Theme</span>
        <select
          value={theme}
          onChange={({ target: { value } }) =>
            setPreferences({ theme: value === 'light' || value === 'dark' ? value : 'system' })
          }
        >
          <option value="system">system</option>
          <option value="light">light</option>
          <option value="dark">dark</option>
        </select>
      </label>
      <button type="button" onClick={() => onOpen('palette')} title="/ or Ctrl K">
        Go to …
      </button>
      <button
        type="button"
        className="quiet"
        onClick={() => onOpen('history')}
        title="What was said"
      >
        Notices
      </button>
      <button type="button" className="quiet" onClick={() => onOpen('help')} aria-label="Help">
        ?
      </button>
      <SignOut onSignedOut={onSignedOut} />
    </header>
  )
}

// The status comes each second.
const oldAfterMs = 6000

/** The node of this gateway; how it is, only as long as that is known. */
function Own() {
  const { status } = useLiveState()
  const now = useNow()
  if (!status) return null
  const { node, overall } = status.value
  const isOld = now - status.at > oldAfterMs
  return (
    <span className="own">
      {node.id} <State of={isOld ? null : overall} title="all planes, as this node sees them" />
    </span>
  )
}

/** Whether events come as they happen. */
function LiveMark() {
  const { connection, away, downSince } = useLiveState()
  const isWaiting = away !== null || downSince.nats !== undefined
  if (connection.name === 'open' && !isWaiting) return <Badge tone="good">live</Badge>
  if (connection.name === 'open') return <Badge tone="warn">live events wait</Badge>
  if (connection.name === 'connecting') return <Badge tone="quiet">connecting</Badge>
  if (connection.name === 'asleep') return <Badge tone="quiet">asleep</Badge>
  return <Badge tone="bad">not connected</Badge>
}

// Less is not seen by a person who looks at a clock beside the page.
const tellFromMs = 5000

/** Times on the pages are those of the cluster, which a wrong clock beside them belies. */
function ClockMark() {
  const aheadMs = useGatewayAheadMs()
  if (Math.abs(aheadMs) < tellFromMs) return null
  const side = aheadMs < 0 ? 'ahead of' : 'behind'
  return (
    <span title={`This machine's clock is ${side} that of the gateway, by which times are shown.`}>
      <Badge tone="warn">this clock is {formatDuration(Math.abs(aheadMs))} off</Badge>
    </span>
  )
}

function SignOut({ onSignedOut }: Pick<HeaderProps, 'onSignedOut'>) {
  const queries = useQueryClient()
  const live = useLive()
  const { data } = useQuery(sessionQuery)
  if (!data || data.access === 'open' || !data.principal) return null
  const { name, role } = data.principal
  const signOut = async (): Promise<void> => {
    try {
      const { queryKey } = sessionQuery
      queries.setQueryData(queryKey, await gateway.signOut())
      onSignedOut()
      // Whoever signs in next sees nothing that was read for this one.
      queries.removeQueries({ predicate: (query) => query.queryKey[0] !== queryKey[0] })
      forgetToasts()
      forgetDrafts()
      live.reconnect()
    } catch (error) {
      toast('bad', `not signed out: ${messageOf(error)}`)
    }
  }
  return (
    <button type="button" onClick={() => void signOut()} title={`${name}, ${role}`}>
      Sign out {name}
    </button>
  )
}
