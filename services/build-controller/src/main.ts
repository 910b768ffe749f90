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
import { startBuildController } from './service.ts'

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
  const log = createLog({ level: given.logLevel }).child({ service: 'build-controller' })
  await runOrSayWhy(log, process.env, () => run(given, log))
}

async function run(settings: Config, log: Logger): Promise<void> {
  const { metricsHost: host, metricsPort: port, metricsToken: token } = settings
  const health = createHealth('build-controller')
  const stopped = stopSignal(log, {
    delayMs: settings.stopDelayMs,
    onSignal: () => health.startStopping(),
  })
  const registry = createMetrics()
  await using stack = new AsyncDisposableStack()
  stack.use(await listenForOperators({ host, port, token, health, metrics: registry }))
  let bus: Bus | undefined
  if (settings.nats) {
    const connected = stack.use(connectBus({ ...settings.nats, name: 'build-controller', log }))
    // Builds are given out without it, and told when it is back.
    const look = () => ({
      ok: connected.isConnected,
      ...(connected.problem && { detail: connected.problem }),
    })
    health.depend('nats', look, 'helps')
    bus = connected
  }
  stack.use(await startBuildController(settings, { bus, log, health, registry }))
  log.info('started')
  await stopped
  health.startStopping()
}
