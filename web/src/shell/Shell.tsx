import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { sessionQuery } from '../api/queries.ts'
import { Dialog } from '../components/Dialog.tsx'
import { Banner } from './Banner.tsx'
import { Gaps } from './Gaps.tsx'
import { Header } from './Header.tsx'
import { Help } from './Help.tsx'
import { Palette } from './Palette.tsx'
import { places } from './places.ts'
import { SignIn, SignInAgain } from './SignIn.tsx'
import { useShortcuts } from './shortcuts.ts'
import { ToastHistory, Toasts } from './Toasts.tsx'
import { useViewer } from './viewer.ts'

/** What stands around every page. */
export function Shell() {
  const [open, setOpen] = useState<'palette' | 'help' | 'history'>()
  const navigate = useNavigate()
  const path = useRouterState({ select: ({ location }) => location.pathname })
  const { isOut, wasIn, leave } = useViewer()
  const nodeId = useQuery(sessionQuery).data?.node_id
  useShortcuts({
    onGo: (key) => {
      const place = places.find((each) => each.key === key)
      if (place) void navigate({ to: place.to })
    },
    onPalette: () => setOpen('palette'),
    onHelp: () => setOpen('help'),
  })
  useTitle(path, nodeId)
  const close = () => setOpen(undefined)
  const asked = nodeId ?? 'this gateway'

  if (isOut && !wasIn) return <SignIn nodeId={asked} />
  return (
    <>
      <a className="skip" href="#page">
        To the page
      </a>
      <Header onOpen={setOpen} onSignedOut={leave} />
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
      <main id="page" tabIndex={-1}>
        {isOut ? <SignInAgain nodeId={asked} /> : <Banner />}
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

/** So that tabs of several pages and gateways are told apart. */
function useTitle(path: string, nodeId: string | undefined): void {
  const place = places.find(({ to }) => to === path)
  const title = [place?.title, nodeId, 'CorroPort'].filter((part) => part !== undefined).join(' · ')
  useEffect(() => {
    document.title = title
  }, [title])
}
