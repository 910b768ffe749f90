import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
} from '@tanstack/react-router'
import { readTwins } from './components/Twin.tsx'
import { analyticsSearch } from './pages/analytics/search.ts'
import { buildsSearch } from './pages/builds/search.ts'
import { clocksSearch } from './pages/clocks/search.ts'
import { clusterSearch } from './pages/cluster/search.ts'
import { edgeSearch } from './pages/edge/search.ts'
import { eventsSearch } from './pages/events/search.ts'
import { messagesSearch } from './pages/messages/search.ts'
import { nodeSearch } from './pages/node/search.ts'
import { operationsSearch } from './pages/operations/search.ts'
import { propagationSearch } from './pages/propagation/search.ts'
import { querySearch } from './pages/query/search.ts'
import type { RawSearch } from './search.ts'
import { NotFound } from './shell/NotFound.tsx'
import { PageError } from './shell/PageError.tsx'
import { Shell } from './shell/Shell.tsx'
import { readRange } from './shell/time-range.ts'

const root = createRootRoute({
  component: Shell,
  notFoundComponent: NotFound,
  validateSearch: (raw: RawSearch) => ({ ...readRange(raw), ...readTwins(raw) }),
  search: { middlewares: [retainSearchParams(['range', 'from', 'to'])] },
})
const getParentRoute = () => root

const propagation = createRoute({
  getParentRoute,
  path: '/',
  validateSearch: propagationSearch,
  component: lazyRouteComponent(
    () => import('./pages/propagation/PropagationPage.tsx'),
    'PropagationPage',
  ),
})
const cluster = createRoute({
  getParentRoute,
  path: '/cluster',
  validateSearch: clusterSearch,
  component: lazyRouteComponent(() => import('./pages/cluster/ClusterPage.tsx'), 'ClusterPage'),
})
const messages = createRoute({
  getParentRoute,
  path: '/messages',
  validateSearch: messagesSearch,
  component: lazyRouteComponent(() => import('./pages/messages/MessagesPage.tsx'), 'MessagesPage'),
})
const node = createRoute({
  getParentRoute,
  path: '/node',
  validateSearch: nodeSearch,
  component: lazyRouteComponent(() => import('./pages/node/NodePage.tsx'), 'NodePage'),
})
const analytics = createRoute({
  getParentRoute,
  path: '/analytics',
  validateSearch: analyticsSearch,
  component: lazyRouteComponent(
    () => import('./pages/analytics/AnalyticsPage.tsx'),
    'AnalyticsPage',
  ),
})
const query = createRoute({
  getParentRoute,
  path: '/query-console',
  validateSearch: querySearch,
  component: lazyRouteComponent(() => import('./pages/query/QueryPage.tsx'), 'QueryPage'),
})
const clocks = createRoute({
  getParentRoute,
  path: '/clocks',
  validateSearch: clocksSearch,
  component: lazyRouteComponent(() => import('./pages/clocks/ClocksPage.tsx'), 'ClocksPage'),
})
const edge = createRoute({
  getParentRoute,
  path: '/edge',
  validateSearch: edgeSearch,
  component: lazyRouteComponent(() => import('./pages/edge/EdgePage.tsx'), 'EdgePage'),
})
const builds = createRoute({
  getParentRoute,
  path: '/builds',
  validateSearch: buildsSearch,
  component: lazyRouteComponent(() => import('./pages/builds/BuildsPage.tsx'), 'BuildsPage'),
})
const events = createRoute({
  getParentRoute,
  path: '/events',
  validateSearch: eventsSearch,
  component: lazyRouteComponent(() => import('./pages/events/EventsPage.tsx'), 'EventsPage'),
})
const operations = createRoute({
  getParentRoute,
  path: '/operations',
  validateSearch: operationsSearch,
  component: lazyRouteComponent(
    () => import('./pages/operations/OperationsPage.tsx'),
    'OperationsPage',
  ),
})

const tree = root.addChildren([
  propagation,
  cluster,
  messages,
  node,
  analytics,
  query,
  clocks,
  edge,
  builds,
  events,
  operations,
])

export function createConsoleRouter() {
  return createRouter({
    routeTree: tree,
    defaultPreload: 'intent',
    defaultErrorComponent: PageError,
    scrollRestoration: true,
    // A filter that is typed replaces the address of its entry: the page stays where it stands.
    getScrollRestorationKey: ({ pathname, state }) => `${pathname} ${state.__TSR_index}`,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createConsoleRouter>
  }
}
