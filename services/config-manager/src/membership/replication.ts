import { createParser, type NodeViewed, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import { Type } from 'typebox'

type Replication = NodeViewed['replication']

const deadlineMs = 900
const gapsSql = 'SELECT COALESCE(SUM("end" - start + 1), 0) FROM __corro_bookkeeping_gaps'
const parseGaps = createParser('the sum of gaps', Type.Tuple([Type.Integer()]))

/**
 * How far behind the agent is. An agent without `/v1/health`, or to which nothing came for two
 * minutes, tells neither lag nor queue; its gaps are then counted in its own table.
 */
export async function lookAtReplication(
  agent: CorrosionClient,
  signal: AbortSignal,
  log: Logger,
): Promise<Replication> {
  const options = { signal, timeoutMs: deadlineMs }
  try {
    const health = await agent.health({}, options)
    const takenAt = toTimestamp(nowMicroseconds())
    if (health.supported && health.figures) {
      const { gaps, p99LagSeconds, queueSize } = health.figures
      return { gaps, p99LagSeconds, queueSize, takenAt }
    }
    const { rows } = await agent.query(gapsSql, options)
    const [gaps] = parseGaps(rows[0])
    return { gaps, p99LagSeconds: null, queueSize: null, takenAt }
  } catch (err) {
    log.debug({ err }, 'replication not looked at')
    return null
  }
}
