import { hostname } from 'node:os'
import { type Bus, connectBus, recordSpans, traceFields } from '@corroport/bus'
import {
  createHealth,
  createLog,
  createMetrics,
  EnvironmentError,
  listenForOperators,
  readTracing,
  runOrSayWhy,
  startTracing,
  stopSignal,
  type TracingConfig,
} from '@corroport/service'
import type { Logger } from 'pino'
import { type Config, readConfig } from './config.ts'
import { startBuildController } from './service.ts'

let given: { config: Config; tracing: TracingConfig | undefined } | undefined
try {
  given = { config: readConfig(process.env), tracing: readTracing(process.env) }
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
if (given) {
  const { config, tracing } = given
  const level = config.logLevel
  const log = createLog({ level, mixin: traceFields }).child({ service: 'build-controller' })
  await runOrSayWhy(log, process.env, () => run(config, tracing, log))
}

async function run(
  settings: Config,
  tracing: TracingConfig | undefined,
  log: Logger,
): Promise<void> {
  const { metricsHost: host, metricsPort: port, metricsToken: token } = settings
  const health = createHealth('build-controller')
  const stopped = stopSignal(log, {
    delayMs: settings.stopDelayMs,
    onSignal: () => health.startStopping(),
  })
  const registry = createMetrics()
  await using stack = new AsyncDisposableStack()
  if (tracing) {
    const instanceId = `${hostname()}:${process.pid}`
    const spans = stack.use(await startTracing(tracing, { instanceId, log }))
    stack.use(recordSpans(spans.record))
  }
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
  // Right before: who asks for health finds what it depends on.
  stack.use(await listenForOperators({ host, port, token, health, metrics: registry }))
  stack.use(await startBuildController(settings, { bus, log, health, registry }))
  log.info('started')
  await stopped
  health.startStopping()
}
