import { connectBus } from '@corroport/bus'
import {
  createHealth,
  createLog,
  createMetrics,
  EnvironmentError,
  listenForOperators,
  stopSignal,
} from '@corroport/service'
import { type Config, readConfig } from './config.ts'
import { startAnalytics } from './service.ts'

let config: Config | undefined
try {
  config = readConfig(process.env)
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}
if (config) await run(config)

async function run({ nats, metricsPort, logLevel, ...rest }: Config): Promise<void> {
  const log = createLog({ level: logLevel }).child({ service: 'analytics' })
  const stopped = stopSignal(log)
  const health = createHealth('analytics')
  const metrics = createMetrics()
  await using stack = new AsyncDisposableStack()
  const bus = stack.use(connectBus({ ...nats, name: 'analytics', log }))
  health.depend('nats', () => ({ ok: bus.isConnected }))
  stack.use(await listenForOperators({ host: '127.0.0.1', port: metricsPort, health, metrics }))
  stack.use(startAnalytics({ nats, metricsPort, logLevel, ...rest }, { bus, log, health, metrics }))
  log.info('started')
  await stopped
  health.startStopping()
}
