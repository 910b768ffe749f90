import { hostname } from 'node:os'
import { type Bus, connectBus } from '@corroport/bus'
import { setClockOffset } from '@corroport/contracts'
import { openNodeKey } from '@corroport/identity'
import {
  createHealth,
  createLog,
  createMetrics,
  EnvironmentError,
  type Health,
  listenForOperators,
  readEnvironment,
  stopSignal,
} from '@corroport/service'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { agentKindAt } from './agent-kind.ts'
import { AgentEnvironment, type NodeConfig } from './node-config.ts'

/** What a service is started with. Services of one process share the connection and the listener. */
export interface NodeDeps {
  bus: Bus
  log: Logger
  health: Health
  metrics: Registry
}

/** A service at work. Where `refused` resolves, with the reason, the process ends with 1. */
export type RunningService = AsyncDisposable & { readonly refused?: Promise<string> }

/** One service: reads its configuration, then starts. Both are called once. */
export interface NodeService {
  readonly name: string
  start(environment: NodeJS.ProcessEnv): {
    config: NodeConfig
    run: (deps: NodeDeps) => Promise<RunningService> | RunningService
  }
}

export function nodeService<Config extends NodeConfig>(
  name: string,
  readConfig: (environment: NodeJS.ProcessEnv) => Config,
  start: (config: Config, deps: NodeDeps) => Promise<RunningService> | RunningService,
): NodeService {
  return {
    name,
    start: (environment) => {
      const config = readConfig(environment)
      return { config, run: (deps) => start(config, deps) }
    },
  }
}

/**
 * Runs services of one node in this process until a signal. The exit code is 1 when a variable does
 * not fit, when the node id is in use elsewhere, or when the clock is to be wrong beside a real agent.
 */
export async function runServices(
  services: readonly NodeService[],
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const prepared = prepare(services, environment)
  const [first] = prepared
  if (!first) {
    process.exitCode = 1
    return
  }
  const { nodeId, nats, stateDir, metricsPort, clockOffsetMs, logLevel } = first.config
  const processName = services.length === 1 ? first.name : 'node'
  const processLog = createLog({ nodeId, level: logLevel })
  const log = processLog.child({ service: processName })
  const stopped = stopSignal(log)
  const health = createHealth(processName, nodeId)
  const metrics = createMetrics()

  await using stack = new AsyncDisposableStack()
  const bus = stack.use(
    connectBus({
      ...nats,
      name: `${processName}/${nodeId}`,
      log,
      claim: {
        names: services.map(({ name }) => `${nodeId}.${name}`),
        instanceId: openNodeKey(stateDir).instanceId,
        holder: `${hostname()} pid ${process.pid}`,
      },
    }),
  )
  health.depend('nats', () => ({ ok: bus.isConnected }))
  stack.use(await listenForOperators({ host: '127.0.0.1', port: metricsPort, health, metrics }))
  if (clockOffsetMs !== 0) {
    const agentUrl = environment.AGENT_URL ?? ''
    let isKnown = false
    const detail = `waits for the agent at ${agentUrl} to tell its kind`
    health.depend('clock offset', () => (isKnown ? { ok: true } : { ok: false, detail }))
    const kind = await agentKindAt(agentUrl, stopped)
    if (kind !== 'development') {
      if (kind === 'real') {
        log.fatal({ clockOffsetMs, agentUrl }, 'CLOCK_OFFSET_MS is refused beside a real agent')
        process.exitCode = 1
      }
      health.startStopping()
      return
    }
    isKnown = true
    setClockOffset(clockOffsetMs)
    log.warn({ clockOffsetMs }, 'the clock of this process is wrong, as it was asked to be')
  }
  const refusals = [bus.refused.then((refusal) => ({ refusal, message: 'node id is in use' }))]
  for (const { name, run } of prepared) {
    const deps = { bus, log: processLog.child({ service: name }), health, metrics }
    const { refused } = stack.use(await run(deps))
    if (refused) {
      refusals.push(refused.then((refusal) => ({ refusal, message: `${name} refuses to run` })))
    }
  }
  log.info({ services: services.map(({ name }) => name) }, 'started')

  const refused = await Promise.race([stopped, ...refusals])
  if (refused) {
    log.fatal({ refusal: refused.refusal }, refused.message)
    process.exitCode = 1
  }
  health.startStopping()
}

function prepare(services: readonly NodeService[], environment: NodeJS.ProcessEnv) {
  try {
    const prepared = services.map((service) => ({
      name: service.name,
      ...service.start(environment),
    }))
    if (prepared.some(({ config }) => config.clockOffsetMs !== 0)) {
      readEnvironment(AgentEnvironment, environment)
    }
    return prepared
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error
    process.stderr.write(`${error.message}\n`)
    return []
  }
}
