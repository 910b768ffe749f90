import { hostname } from 'node:os'
import { type Bus, connectBus } from '@corroport/bus'
import {
  createHealth,
  createLog,
  createMetrics,
  EnvironmentError,
  listenForOperators,
  runOrSayWhy,
  stopSignal,
} from '@corroport/service'
import type { Logger } from 'pino'
import { type Config, readConfig } from './config.ts'
import { startEdgeProxy } from './service.ts'

// What follows when the last connection is over.
const closingMs = 10_000

let config: Config | undefined
try {
  config = readConfig(process.env)
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
if (config) {
  const given = config
  const { nodeId, logLevel: level } = given
  const log = createLog({ nodeId, level }).child({ service: 'edge-proxy' })
  await runOrSayWhy(log, process.env, () => run(given, log))
}

async function run(settings: Config, log: Logger): Promise<void> {
  const { nodeId, metricsHost: host, metricsPort: port, metricsToken: token } = settings
  const health = createHealth('edge-proxy', nodeId)
  const stopped = stopSignal(log, {
    delayMs: settings.stopDelayMs,
    deadlineMs: settings.drainMs + closingMs,
    onSignal: () => health.startStopping(),
  })
  const metrics = createMetrics()
  await using stack = new AsyncDisposableStack()
  let bus: Bus | undefined
  if (settings.nats) {
    const connected = stack.use(
      connectBus({
        ...settings.nats,
        name: `edge-proxy/${nodeId}`,
        log,
        claim: {
          names: [`${nodeId}.edge-proxy`],
          // Nothing is kept on a disk that would tell one process from another.
          instanceId: `${hostname()}:${port}`,
          holder: `${hostname()} pid ${process.pid}`,
          // Clients are served meanwhile.
          waits: true,
        },
      }),
    )
    const look = () => ({
      ok: connected.isConnected,
      ...(connected.problem && { detail: connected.problem }),
    })
    health.depend('nats', look, 'helps')
    bus = connected
  }
  stack.use(await listenForOperators({ host, port, token, health, metrics }))
  const proxy = stack.use(await startEdgeProxy(settings, { bus, log, health, metrics }))
  log.info('started')
  await Promise.race([stopped, proxy.failed])
  health.startStopping()
}
