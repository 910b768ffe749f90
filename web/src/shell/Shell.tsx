import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { isUnauthorized, messageOf } from '../api/errors.ts'
import { gateway } from '../api/gateway.ts'
import { sessionQuery } from '../api/queries.ts'
import { Badge, State } from '../components/Badge.tsx'
import { Dialog } from '../components/Dialog.tsx'
import { forgetToasts, toast } from '../components/toasts.ts'
import { zoneName } from '../format/time.ts'
import { useLive, useLiveState } from '../live/hooks.ts'
import { Banner } from './Banner.tsx'
import { Gaps } from './Gaps.tsx'
import { Help } from './Help.tsx'
import { Palette } from './Palette.tsx'
import { places } from './places.ts'
import { setPreferences, usePreferences } from './preferences.ts'
import { RangeControl } from './RangeControl.tsx'
import { SignIn, SignInAgain } from './SignIn.tsx'
import { useShortcuts } from './shortcuts.ts'
import { ToastHistory, Toasts } from './Toasts.tsx'

type Open = 'palette' | 'help' | 'history' | undefined

/** What stands around every page. */
export function Shell() {
  const [open, setOpen] = useState<Open>()
  const navigate = useNavigate()
  const session = useQuery(sessionQuery)
  const path = useRouterState({ select: ({ location }) => location.pathname })
  useShortcuts({
    onGo: (key) => {
      const place = places.find((each) => each.key === key)
      if (place) void navigate({ to: place.to })
    },
    onPalette: () => setOpen('palette'),
    onHelp: () => setOpen('help'),
  })
  const close = () => setOpen(undefined)

  const isOut = session.data?.principal === null || isUnauthorized(session.error)
  const nodeId = session.data?.node_id ?? 'this gateway'
  const [wasIn, setWasIn] = useState(false)
  if (session.data?.principal && !wasIn) setWasIn(true)
  const { connection } = useLiveState()
  const isDenied = connection.name === 'denied'
  const { refetch } = session
  useEffect(() => {
    // The stream is the first to hear that a session is over.
    if (isDenied) void refetch()
  }, [isDenied, refetch])

  if (isOut && !wasIn) return <SignIn nodeId={nodeId} />
  return (
    <>
      <a className="skip" href="#page">
        To the page
      </a>
      <Header onOpen={setOpen} onSignedOut={() => setWasIn(false)} />
      <nav aria-label="Pages">
        {places.map(({ to, title, key }) => (
          <Link
            key={to}
            to={to}
            title={`g ${key}`}
            activeOptions={{ exact: true, includeSearch: false }}
            activeProps={{ 'aria-current': 'page' }}
          >
            {title}
          </Link>
        ))}
      </nav>
      <main id="page" tabIndex={-1} key={path}>
        {isOut ? <SignInAgain nodeId={nodeId} /> : <Banner />}
        <Gaps />
        <Outlet />
      </main>
      <Toasts />
      {open === 'palette' && <Palette onClose={close} onHelp={() => setOpen('help')} />}
      {open === 'help' && <Help onClose={close} />}
      {open === 'history' && (
        <Dialog title="What was said" onClose={close}>
          <ToastHistory />
        </Dialog>
      )}
    </>
  )
}

interface HeaderProps {
  onOpen: (open: Open) => void
  onSignedOut: () => void
}

function Header({ onOpen, onSignedOut }: HeaderProps) {
  const { data: session } = useQuery(sessionQuery)
  const { status } = useLiveState()
  const { theme, zone } = usePreferences()
  const isReadOnly = session?.is_read_only === true || session?.principal?.role === 'viewer'
  return (
    <header className="top">
      <Link to="/" className="brand">
        CorroPort
      </Link>
      {status && (
        <span className="own">
          {status.value.node.id}{' '}
          <State of={status.value.overall} title="all planes, as this node sees them" />
        </span>
      )}
      <LiveMark />
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
      <SignedIn onSignedOut={onSignedOut} />
    </header>
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

function SignedIn({ onSignedOut }: Pick<HeaderProps, 'onSignedOut'>) {
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
