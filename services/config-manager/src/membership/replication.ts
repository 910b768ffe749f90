import { type NodeViewed, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Logger } from 'pino'

type Replication = NodeViewed['replication']

const deadlineMs = 900

/** How far behind the agent is; null when it does not answer. */
export async function lookAtReplication(
  agent: CorrosionClient,
  signal: AbortSignal,
  log: Logger,
): Promise<Replication> {
  const options = { signal, timeoutMs: deadlineMs }
  try {
    const [gaps, { figures }] = await Promise.all([
      agent.missingVersions(options),
      agent.health({}, options),
    ])
    const { p99LagSeconds = null, queueSize = null } = figures ?? {}
    return { gaps, p99LagSeconds, queueSize, takenAt: toTimestamp(nowMicroseconds()) }
  } catch (err) {
    log.debug({ err }, 'replication not looked at')
    return null
  }
}
