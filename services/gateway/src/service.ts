import { join } from 'node:path'
import { openStateFile } from '@corroport/bus'
import {
  ackPathDiagnosed,
  ackReceived,
  ackRequested,
  messageAccepted,
  messageDetailQueried,
  messageFailed,
  messageSent,
  nodeAnnounced,
  receptionsQueried,
  subscriberStatusQueried,
} from '@corroport/contracts'
import { createCorrosionClient } from '@corroport/corrosion-client'
import { type Directory, openDirectory } from '@corroport/identity'
import type { NodeDeps } from '@corroport/node-process'
import { createAgentProbe } from './agent-probe.ts'
import { createApp } from './app.ts'
import type { Config } from './config.ts'
import { type App, closeApp } from './http-server.ts'
import { createLive } from './live.ts'
import { createGatewayMetrics } from './metrics.ts'
import { createOriginClock } from './origin-clock.ts'
import { createPeerApp } from './peer-app.ts'
import { reconcile } from './reconcile.ts'
import { retainMessages } from './retention.ts'
import { createSender } from './send.ts'
import { createTracker, migrations } from './tracker.ts'

export const says = [
  messageSent,
  messageAccepted,
  messageFailed,
  ackReceived,
  ackRequested,
] as const
/** Besides these it reads every record, for live pages. */
export const hears = [nodeAnnounced] as const
export const answers = [messageDetailQueried] as const
export const asks = [
  messageDetailQueried,
  receptionsQueried,
  ackPathDiagnosed,
  subscriberStatusQueried,
] as const

export interface GatewayDeps extends NodeDeps {
  /** Of the process, where several services share one. */
  directory?: Directory
}

export interface Gateway extends AsyncDisposable {
  readonly apiPort: number
  readonly peerPort: number
}

const queryTimeoutMs = 2000

export async function startGateway(config: Config, deps: GatewayDeps): Promise<Gateway> {
  const { bus, log, health } = deps
  const { nodeId, region, stateDir } = config
  await using opening = new AsyncDisposableStack()

  const directory =
    deps.directory ??
    opening.use(openDirectory({ bus, log, path: join(stateDir, 'gateway-nodes.json') }))
  const state = opening.use(
    openStateFile({ path: join(stateDir, 'gateway.sqlite'), migrations, bus, log }),
  )
  const agent = opening.use(createCorrosionClient({ ...config.agent, queryTimeoutMs }))
  const clock = createOriginClock()
  const tracker = createTracker({ state, clock, nodeId, region, limit: config.trackedMessages })
  const live = opening.use(createLive({ bus, log }))
  const metrics = createGatewayMetrics(deps.metrics, {
    trackedMessages: () => tracker.count,
    unconfirmedEvents: () => state.unconfirmed(),
    liveReaders: () => live.readers,
  })
  const sender = createSender({ config, agent, bus, directory, tracker, metrics, log })
  const probe = createAgentProbe(agent)

  health.depend('agent', () => ({
    ok: probe.status.state === 'ready',
    ...(probe.status.error === null ? {} : { detail: probe.status.error }),
  }))

  opening.use(
    bus.respond(messageDetailQueried, { nodeId }, ({ messageId }) => ({
      message: tracker.detail(messageId),
    })),
  )
  opening.use(startLoop((signal) => probe.run(signal)))
  opening.use(startLoop((signal) => reconcile({ agent, tracker, sender, log }, signal)))
  opening.use(startLoop((signal) => retainMessages({ config, agent, log }, signal)))

  const shared = { config, bus, log, directory, tracker, metrics }
  const peerApp = createPeerApp({ ...shared, clock })
  const app = await createApp({
    ...shared,
    agent,
    sender,
    probe,
    live,
    health,
    unconfirmedEvents: () => state.unconfirmed(),
  })
  opening.defer(() => closeApp(peerApp))
  const peerPort = await listen(peerApp, config.peer.host, config.peer.port)
  opening.defer(() => closeApp(app))
  const apiPort = await listen(app, config.api.host, config.api.port)
  log.info({ apiPort, peerPort }, 'gateway listens')

  const opened = opening.move()
  return { apiPort, peerPort, [Symbol.asyncDispose]: () => opened.disposeAsync() }
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
