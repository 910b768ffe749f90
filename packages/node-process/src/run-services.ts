import { hostname } from 'node:os'
import { type Bus, busFor, connectBus, recordSpans, traceFields } from '@corroport/bus'
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
  readTracing,
  runOrSayWhy,
  startTracing,
  stopSignal,
  type TracingConfig,
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
  const { nodeId, logLevel } = first.config
  const processLog = createLog({ nodeId, level: logLevel, mixin: traceFields })
  const name = prepared.length === 1 ? first.name : 'node'
  const log = processLog.child({ service: name })
  const { config, tracing } = first
  await runOrSayWhy(log, environment, () =>
    runPrepared({ name, config, tracing, prepared, environment, processLog, log }),
  )
}

type Prepared = ReturnType<typeof prepare>

async function runPrepared(options: {
  /** Of the process. */
  name: string
  config: NodeConfig
  tracing: TracingConfig | undefined
  prepared: Prepared
  environment: NodeJS.ProcessEnv
  processLog: Logger
  log: Logger
}): Promise<void> {
  const { name: processName, config, tracing, prepared, environment, processLog, log } = options
  const { nodeId, nats, stateDir, clockOffsetMs } = config
  const health = createHealth(processName, nodeId)
  const { metricsHost: host, metricsPort: port, metricsToken: token, stopDelayMs } = config
  const stopped = stopSignal(log, {
    delayMs: stopDelayMs,
    onSignal: () => health.startStopping(),
  })
  const metrics = createMetrics()

  await using stack = new AsyncDisposableStack()
  if (tracing) {
    const spans = stack.use(await startTracing(tracing, { nodeId, instanceId: nodeId, log }))
    stack.use(recordSpans(spans.record))
  }
  const bus = stack.use(
    connectBus({
      ...nats,
      name: `${processName}/${nodeId}`,
      log,
      claim: {
        names: prepared.map(({ name }) => `${nodeId}.${name}`),
        instanceId: openNodeKey(stateDir).instanceId,
        holder: `${hostname()} pid ${process.pid}`,
      },
    }),
  )
  health.depend('nats', () => ({
    ok: bus.isConnected,
    ...(bus.problem && { detail: bus.problem }),
  }))
  stack.use(await listenForOperators({ host, port, token, health, metrics }))
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
  const refusals: Promise<{ refusal: string; advice?: string; message: string }>[] = [
    bus.refused.then((refusal) => ({
      refusal,
      advice: 'end that process, or give this one another NODE_ID and a STATE_DIR of its own',
      message: 'node id is in use',
    })),
  ]
  for (const { name, run } of prepared) {
    const ownLog = processLog.child({ service: name })
    const deps = { bus: busFor(name, bus), log: ownLog, health, metrics }
    const { refused } = stack.use(await run(deps))
    if (refused) {
      refusals.push(refused.then((refusal) => ({ refusal, message: `${name} refuses to run` })))
    }
  }
  log.info({ services: prepared.map(({ name }) => name) }, 'started')

  const refused = await Promise.race([stopped, ...refusals])
  if (refused) {
    const { message, ...about } = refused
    log.fatal(about, message)
    process.exitCode = 1
  }
  health.startStopping()
}

function prepare(services: readonly NodeService[], environment: NodeJS.ProcessEnv) {
  try {
    const tracing = readTracing(environment)
    const prepared = services.map((service) => ({
      name: service.name,
      tracing,
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
