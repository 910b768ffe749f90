import { stat } from 'node:fs/promises'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { StateFile } from '@corroport/bus'
import { type NodeSampled, nodeSampled, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { AgentControl } from '../agent/agent-control.ts'
import { repeat } from '../repeat.ts'
import { type AgentFile, readAgentFile } from './agent-file.ts'
import { createCpuShare } from './cpu-share.ts'
import { registerSampleMetrics } from './metrics.ts'
import { readProcess } from './process-figures.ts'
import { readPrometheus, sumWanted } from './prometheus.ts'

export interface SamplesDeps {
  nodeId: string
  state: StateFile
  control: Pick<AgentControl, 'pid'>
  /** The file that the agent runs from. */
  configPath: string
  agent: CorrosionClient
  registry: Registry
  log: Logger
}

const everyMs = 5000
/** What a source has not told by then is not in the sample. */
const sourceDeadlineMs = 1000

// As many as their stream keeps, six hours of them: while NATS is away no more are put by.
const mostUnconfirmed = (6 * 3_600_000) / everyMs

/** Tells each five seconds how the agent does, and the process beside it. */
export function startSamples(deps: SamplesDeps): AsyncDisposable {
  const { nodeId, state, registry, log } = deps
  const lookAtAgent = createAgentLook(deps)
  const services = createServicesLook()
  let latest: NodeSampled | undefined
  let sampledAt = performance.now()

  const sampling = repeat(everyMs, log, async (signal) => {
    const agent = await lookAtAgent(signal)
    if (signal.aborted) return
    const startedAt = sampledAt
    sampledAt = performance.now()
    const at = toTimestamp(nowMicroseconds())
    const intervalMs = sampledAt - startedAt
    latest = { nodeId, at, intervalMs, agent, services: services.read(sampledAt) }
    const sample = latest
    if (state.unconfirmed() < mostUnconfirmed) {
      state.transaction((tell) => tell(nodeSampled, { nodeId }, sample))
    }
  })
  registerSampleMetrics(registry, () => latest?.agent)

  return {
    async [Symbol.asyncDispose]() {
      await sampling[Symbol.asyncDispose]()
      services[Symbol.dispose]()
    },
  }
}

function createAgentLook({ control, configPath, agent, log }: SamplesDeps) {
  const cpuShare = createCpuShare()

  /** Null when it fails or is late, which nobody else has to wait for. */
  const within = async <T>(
    source: string,
    signal: AbortSignal,
    ask: (deadline: AbortSignal) => Promise<T>,
  ): Promise<T | null> => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(sourceDeadlineMs)])
    try {
      // A race, for those that cannot be aborted: a look into a folder of a server that is away.
      return await Promise.race([ask(deadline), rejectedBy(deadline)])
    } catch (err) {
      if (!signal.aborted) log.debug({ err, source }, 'nothing to sample')
      return null
    }
  }

  return async (signal: AbortSignal): Promise<NodeSampled['agent']> => {
    const { pid } = control
    const fromFile = async <T>(
      source: string,
      ask: (file: AgentFile, deadline: AbortSignal) => Promise<T>,
    ): Promise<T | null> =>
      await within(source, signal, async (deadline) => await ask(await file, deadline))
    const file = readAgentFile(configPath)
    const [process, database, wal, metrics, gaps, health] = await Promise.all([
      within('process', signal, async () => (pid === undefined ? undefined : readProcess(pid))),
      fromFile('database', ({ databasePath }) => stat(databasePath)),
      fromFile('wal', ({ databasePath }) => stat(`${databasePath}-wal`)),
      fromFile('prometheus', async ({ prometheusAddr }, deadline) =>
        prometheusAddr === undefined
          ? null
          : sumWanted(await readPrometheus(prometheusAddr, deadline)),
      ),
      within('gaps', signal, (deadline) =>
        agent.missingVersions({ signal: deadline, timeoutMs: sourceDeadlineMs }),
      ),
      within('health', signal, (deadline) =>
        agent.health({}, { signal: deadline, timeoutMs: sourceDeadlineMs }),
      ),
    ])
    const figures = health?.figures
    return {
      pid: pid ?? null,
      residentBytes: process?.residentBytes ?? null,
      cpuPercent:
        process && pid !== undefined ? cpuShare(pid, process.usedMs, performance.now()) : null,
      databaseBytes: database?.size ?? null,
      walBytes: wal?.size ?? null,
      gaps,
      p99LagSeconds: figures?.p99LagSeconds ?? null,
      queueSize: figures?.queueSize ?? metrics?.corro_agent_changes_in_queue ?? null,
      metrics: metrics ?? {},
    }
  }
}

function createServicesLook() {
  const loopDelay = monitorEventLoopDelay({ resolution: 20 })
  loopDelay.enable()
  const cpuShare = createCpuShare()
  return {
    read(at: number): NodeSampled['services'] {
      const p99 = loopDelay.percentile(99) / 1e6
      loopDelay.reset()
      const { heapUsed, rss } = process.memoryUsage()
      const { user, system } = process.cpuUsage()
      return {
        loopDelayP99Ms: Number.isFinite(p99) && p99 > 0 ? p99 : null,
        heapBytes: heapUsed,
        residentBytes: rss,
        cpuPercent: cpuShare(process.pid, (user + system) / 1000, at),
      }
    },
    [Symbol.dispose]: () => void loopDelay.disable(),
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('it was not waited for any longer')))
  })
}
