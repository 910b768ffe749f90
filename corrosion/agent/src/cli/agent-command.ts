import { flushCompileCache } from 'node:module'
import { type AgentConfig, readAgentConfig } from '../config/agent-config.ts'
import { formatAddress } from '../gossip/address.ts'
import type { Log } from '../log.ts'
import { Failure } from './failure.ts'
import { logLevel } from './log-filter.ts'
import { describeStartFailure } from './start-failure.ts'

const closeTimeoutMs = 10_000

/** Runs until a signal; a second one ends the process at once. */
export async function runAgent(
  configPath: string,
  { version, env }: { version: string; env: NodeJS.ProcessEnv },
): Promise<void> {
  const config = readAgentConfig(configPath, env)
  const [{ createLog }, { startAgent }] = await Promise.all([
    import('../log.ts'),
    import('../agent.ts'),
  ])
  const level = logLevel(env)
  const log = createLog({
    format: config.log.format,
    ...(level === 'off' ? { write: () => undefined } : { level }),
  })
  // Whoever read the log may go; the agent stays.
  process.stdout.removeAllListeners('error').on('error', () => undefined)

  const stopped = stopSignal()
  if (config.unused.length > 0) {
    log.info('settings without effect in the development agent', { settings: config.unused })
  }
  if (config.unknown.length > 0) {
    log.warn('settings that no agent knows', { settings: config.unknown })
  }
  const agent = await startAgent(config, { log }).catch((error: unknown) => {
    if (error instanceof TypeError) throw error // not something that a user can mend
    throw new Failure(describeStartFailure(error, config), { cause: error })
  })
  introduce(version, config, log)
  // An agent may be killed, and then would not keep what Node has compiled for its next start.
  flushCompileCache()

  const signal = await stopped
  log.info('stopping', { signal })
  setTimeout(() => {
    log.error('did not stop in time', { timeoutMs: closeTimeoutMs })
    process.exit(1)
  }, closeTimeoutMs).unref()
  await agent.close()
  log.info('stopped')
}

function stopSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  let isStopping = false
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (isStopping) process.exit(1)
      isStopping = true
      resolve(name)
    })
  }
  return promise
}

function introduce(version: string, config: AgentConfig, log: Log): void {
  const places = {
    api: config.api.addresses.map(formatAddress).join(', '),
    gossip: `${formatAddress(config.gossip.address)} (TCP)`,
    admin: config.admin.path,
    database: config.db.path,
  }
  if (config.log.format === 'json') {
    // A banner would not be JSON.
    log.info('development agent, not for production, does not join real clusters', {
      version,
      ...places,
    })
    return
  }
  const lines = Object.entries(places).map(([name, place]) => `  ${name.padEnd(8)}  ${place}`)
  process.stdout.write(
    `CorroPort development agent ${version}: not for production, and not a real Corrosion agent.
It replicates with its like only and does not join real clusters.
${lines.join('\n')}
`,
  )
}
