import type { Bus } from '@corroport/bus'
import {
  type BackendMoved,
  backendMoved,
  type EdgeAnnounced,
  type EdgeBackend,
  type EdgeDecision,
  type EdgeTable,
  edgeAnnounced,
  edgeBackendsQueried,
  edgeBackendWritten,
  edgeDecisionsQueried,
  edgeRouteExplained,
  nowMicroseconds,
  routeDecided,
  toTimestamp,
} from '@corroport/contracts'
import type { Static } from 'typebox'

export const says = [edgeAnnounced, backendMoved, routeDecided] as const
export const answers = [
  edgeBackendsQueried,
  edgeRouteExplained,
  edgeDecisionsQueried,
  edgeBackendWritten,
] as const

export interface VoiceDeps {
  bus: Bus
  nodeId: string
  status: () => Omit<EdgeAnnounced, 'nodeId' | 'announcedAt'>
  /** By id. */
  backends: () => EdgeBackend[]
  setAside: () => { id: string; reason: string }[]
  table: () => EdgeTable
  explain: (
    request: Static<typeof edgeRouteExplained.request>,
  ) => Static<typeof edgeRouteExplained.reply>
  decisions: (limit: number) => EdgeDecision[]
  write: (
    request: Static<typeof edgeBackendWritten.request>,
  ) => Promise<Static<typeof edgeBackendWritten.reply>>
}

/** What a point of presence says and answers on NATS. */
export interface Voice extends AsyncDisposable {
  moved(what: Omit<BackendMoved, 'nodeId' | 'at'>): void
  decided(decision: EdgeDecision): void
}

const announceEveryMs = 1000
const mostSetAside = 100

export function startVoice(deps: VoiceDeps): Voice {
  const { bus, nodeId } = deps
  const now = (): string => toTimestamp(nowMicroseconds())
  const stack = new AsyncDisposableStack()
  const announcing = setInterval(() => {
    bus.hint(edgeAnnounced, { nodeId }, { ...deps.status(), nodeId, announcedAt: now() })
  }, announceEveryMs)
  stack.defer(() => clearInterval(announcing))
  stack.use(
    bus.respond(edgeBackendsQueried, { nodeId }, ({ app, after, limit }) => {
      const all = deps.backends().filter((backend) => app === undefined || backend.app === app)
      const rest = after === undefined ? all : all.filter(({ id }) => id > after)
      return {
        backends: rest.slice(0, limit),
        total: all.length,
        setAside: deps.setAside().slice(0, mostSetAside),
        table: deps.table(),
      }
    }),
  )
  stack.use(bus.respond(edgeRouteExplained, { nodeId }, (request) => deps.explain(request)))
  stack.use(
    bus.respond(edgeDecisionsQueried, { nodeId }, ({ limit }) => ({
      decisions: deps.decisions(limit),
    })),
  )
  stack.use(bus.respond(edgeBackendWritten, { nodeId }, (request) => deps.write(request)))
  return {
    moved: (what) => void bus.hint(backendMoved, { nodeId }, { ...what, nodeId, at: now() }),
    decided: (decision) => void bus.hint(routeDecided, { nodeId }, { nodeId, decision }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
