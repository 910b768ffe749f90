import { join } from 'node:path'
import { openStateFile } from '@corroport/bus'
import {
  ackPathDiagnosed,
  ackReceived,
  ackRequested,
  agentInspected,
  agentRestartRequested,
  analyticsRelationsQueried,
  analyticsTablesQueried,
  analyticsVacuumed,
  auditNoted,
  type BuildControllerAnnounced,
  backendMoved,
  buildCommands,
  buildControllerAnnounced,
  clocksQueried,
  clusterChanged,
  configPlanned,
  configQueried,
  configRestoreRequested,
  configRollbackRequested,
  type EdgeAnnounced,
  edgeAnnounced,
  edgeBackendsQueried,
  edgeBackendWritten,
  edgeDecisionsQueried,
  edgeRouteExplained,
  experimentBegun,
  experimentCreated,
  experimentDeleted,
  experimentEnded,
  experimentImported,
  experimentProgressed,
  experimentQueried,
  experimentsCompared,
  experimentsListed,
  figuresQueried,
  joinRequested,
  leaveRequested,
  ledgerQueried,
  membersRemoved,
  messageAccepted,
  messageDetailQueried,
  messageFailed,
  messageSent,
  messagesQueried,
  messagesSkipped,
  nodeAnnounced,
  nodeDescribed,
  nodeDiagnosed,
  nodeQueried,
  nodeViewed,
  operationQueried,
  pairsQueried,
  propagationQueried,
  receptionsQueried,
  removeRequested,
  rolloutStarted,
  rolloutSteered,
  rolloutsQueried,
  routeDecided,
  rowsDigested,
  schemaQueried,
  shareEnded,
  shareOrdered,
  shareQueried,
  shareStopped,
  storedEventsQueried,
  subscriberStatusQueried,
  wipeRequested,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { openDirectory, openViews } from '@corroport/identity'
import type { NodeDeps } from '@corroport/node-process'
import { startAccess } from './access/start-access.ts'
import { accessMigration } from './access/token-store.ts'
import { createAgentProbe } from './agent-probe.ts'
import { createApp } from './app.ts'
import type { Config } from './config.ts'
import { openHeard } from './heard.ts'
import { type App, closeApp } from './http-server.ts'
import { createLive } from './live/live.ts'
import { startMembers } from './members/start-members.ts'
import { createGatewayMetrics } from './metrics.ts'
import { createOriginClock } from './origin-clock.ts'
import { startOwnNode } from './own-node.ts'
import { createPeerApp } from './peer-app.ts'
import { startQueries } from './query/start-queries.ts'
import { reconcile } from './reconcile.ts'
import { retainMessages } from './retention.ts'
import { createRoster } from './roster.ts'
import { createSender } from './send.ts'
import { createShareStore, shareMigration } from './shares/share-store.ts'
import { manualSlot, startShares } from './shares/start-shares.ts'
import { startStatus } from './status/start-status.ts'
import { createTracker, migrations } from './tracker.ts'

export const says = [
  messageSent,
  messageAccepted,
  messageFailed,
  messagesSkipped,
  shareEnded,
  ackReceived,
  ackRequested,
  clusterChanged,
  auditNoted,
] as const
/** Besides these it reads every record, for live pages. */
export const hears = [
  nodeAnnounced,
  nodeViewed,
  membersRemoved,
  experimentProgressed,
  edgeAnnounced,
  backendMoved,
  routeDecided,
  buildControllerAnnounced,
] as const
export const answers = [
  messageDetailQueried,
  nodeDescribed,
  nodeDiagnosed,
  nodeQueried,
  shareOrdered,
  shareStopped,
  shareQueried,
] as const
export const asks = [
  messageDetailQueried,
  nodeDescribed,
  nodeDiagnosed,
  agentInspected,
  nodeQueried,
  analyticsTablesQueried,
  analyticsRelationsQueried,
  receptionsQueried,
  ackPathDiagnosed,
  subscriberStatusQueried,
  agentRestartRequested,
  operationQueried,
  configQueried,
  configPlanned,
  configRollbackRequested,
  configRestoreRequested,
  rolloutStarted,
  rolloutsQueried,
  rolloutSteered,
  joinRequested,
  leaveRequested,
  removeRequested,
  wipeRequested,
  rowsDigested,
  clocksQueried,
  experimentBegun,
  experimentCreated,
  experimentDeleted,
  experimentEnded,
  experimentImported,
  experimentQueried,
  experimentsCompared,
  experimentsListed,
  figuresQueried,
  analyticsVacuumed,
  ledgerQueried,
  messagesQueried,
  pairsQueried,
  propagationQueried,
  schemaQueried,
  storedEventsQueried,
  edgeBackendsQueried,
  edgeRouteExplained,
  edgeDecisionsQueried,
  edgeBackendWritten,
  ...buildCommands,
] as const

export interface Gateway extends AsyncDisposable {
  readonly apiPort: number
  readonly peerPort: number
  /** Resolves with the reason when nobody could ever ask it: the process should end. */
  readonly refused: Promise<string>
}

const queryTimeoutMs = 2000

export async function startGateway(config: Config, deps: NodeDeps): Promise<Gateway> {
  const { bus, log, health } = deps
  const { nodeId, region, stateDir } = config
  await using opening = new AsyncDisposableStack()

  const directory = opening.use(
    openDirectory({
      bus,
      log,
      path: join(stateDir, 'gateway-nodes.json'),
      lostAfterMs: config.heartbeatTimeoutMs,
    }),
  )
  const views = opening.use(openViews({ bus }))
  const roster = opening.use(createRoster({ config, bus, directory, views }))
  const state = opening.use(
    openStateFile({
      path: join(stateDir, 'gateway.sqlite'),
      migrations: [...migrations, shareMigration, accessMigration],
      bus,
      log,
    }),
  )
  const agent = opening.use(createCorrosionClient({ ...config.agent, queryTimeoutMs }))
  const clock = createOriginClock()
  const tracker = createTracker({ state, clock, nodeId, region, limit: config.trackedMessages })
  const shares = createShareStore({ state, clock, nodeId })
  const live = opening.use(createLive({ bus, log, currentStatus: () => status.current() }))
  const metrics = createGatewayMetrics(deps.metrics, {
    trackedMessages: () => tracker.count,
    unconfirmedEvents: () => state.unconfirmed(),
    liveReaders: () => live.readers,
    runningShares: () => shares.running().length,
  })
  const sender = createSender({
    config,
    agent,
    bus,
    roster,
    tracker,
    manualSlot: (transport) => manualSlot(shares, transport),
    metrics,
    log,
  })
  const probe = createAgentProbe(agent)

  health.depend('state file', () => state.health())
  health.depend('agent', () => ({
    ok: probe.status.state === 'ready',
    ...(probe.status.error === null ? {} : { detail: probe.status.error }),
  }))

  // While NATS is away nobody says it, and nobody would hear of a change.
  health.depend('node state', () => {
    const { ownState = 'active' } = roster
    return { ok: ownState === 'active', detail: ownState }
  })

  opening.use(
    bus.respond(messageDetailQueried, { nodeId }, ({ messageId }) => ({
      message: tracker.detail(messageId),
    })),
  )
  opening.use(startShares({ nodeId, bus, store: shares, sender, roster, clock, metrics, log }))
  opening.use(startLoop((signal) => probe.run(signal)))
  opening.use(startLoop((signal) => reconcile({ agent, tracker, sender, log }, signal)))
  opening.use(startLoop((signal) => retainMessages({ config, agent, log }, signal)))

  const members = opening.use(startMembers({ config, bus, directory, views, roster, agent }))
  const unconfirmedEvents = () => state.unconfirmed()
  const status = opening.use(
    startStatus({
      config,
      agent,
      bus,
      views,
      members,
      state,
      unconfirmedEvents,
      health,
      registry: deps.metrics,
      onChange: () => live.tellStatus(),
      log,
    }),
  )

  const ownNode = opening.use(
    startOwnNode({ config, bus, tracker, probe, health, unconfirmedEvents }),
  )
  const access = opening.use(startAccess({ config, bus, state, health, log }))
  const edges = opening.use(
    openHeard<EdgeAnnounced>(
      (take) => bus.hear(edgeAnnounced, take),
      (said) => said.nodeId,
    ),
  )
  const buildControllers = opening.use(
    openHeard<BuildControllerAnnounced>(
      (take) => bus.hear(buildControllerAnnounced, take),
      (said) => said.controllerId,
    ),
  )
  const queries = opening.use(startQueries({ config, bus, directory, views }))

  const shared = { config, bus, log, directory, roster, tracker, metrics }
  const peerApp = createPeerApp({ ...shared, clock })
  const app = await createApp({
    ...shared,
    agent,
    sender,
    live,
    health,
    members,
    status,
    queries,
    edges,
    buildControllers,
    ownNode,
    views,
    access,
    state,
  })
  opening.defer(() => closeApp(peerApp))
  const peerPort = await listen(peerApp, config.peer.host, config.peer.port)
  opening.defer(() => closeApp(app))
  const apiPort = await listen(app, config.api.host, config.api.port)
  log.info({ apiPort, peerPort }, 'gateway listens')

  const opened = opening.move()
  return {
    apiPort,
    peerPort,
    refused: access.refused,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** Work until it is disposed. It ends by itself only by throwing, which then ends the process. */
function startLoop(work: (signal: AbortSignal) => Promise<void>): AsyncDisposable {
  const stopping = new AbortController()
  const done = work(stopping.signal)
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort()
      await done
    },
  }
}

async function listen(app: App, host: string, port: number): Promise<number> {
  await app.listen({ host, port })
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error(`no port on ${host}`)
  return address.port
}
