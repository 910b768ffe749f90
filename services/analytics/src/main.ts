import { hostname } from 'node:os'
import { connectBus, recordSpans, traceFields } from '@corroport/bus'
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
import { startAnalytics } from './service.ts'

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
  const log = createLog({ level, mixin: traceFields }).child({ service: 'analytics' })
  await runOrSayWhy(log, process.env, () => run(config, tracing, log))
}

async function run(config: Config, tracing: TracingConfig | undefined, log: Logger): Promise<void> {
  const { metricsHost: host, metricsPort: port, metricsToken: token, stopDelayMs } = config
  const health = createHealth('analytics')
  const stopped = stopSignal(log, {
    delayMs: stopDelayMs,
    onSignal: () => health.startStopping(),
  })
  const metrics = createMetrics()
  await using stack = new AsyncDisposableStack()
  if (tracing) {
    const instanceId = `${hostname()}:${process.pid}`
    const spans = stack.use(await startTracing(tracing, { instanceId, log }))
    stack.use(recordSpans(spans.record))
  }
  const bus = stack.use(connectBus({ ...config.nats, name: 'analytics', log }))
  health.depend('nats', () => ({
    ok: bus.isConnected,
    ...(bus.problem && { detail: bus.problem }),
  }))
  stack.use(await listenForOperators({ host, port, token, health, metrics }))
  stack.use(startAnalytics(config, { bus, log, health, metrics }))
  log.info('started')
  await stopped
  health.startStopping()
}
