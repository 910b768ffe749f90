import { type AgentState, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Logger } from 'pino'

/** What the agent of this node was like when it was last asked. */
export interface AgentStatus {
  state: AgentState
  stateSince: string
  /** Null until it has answered once. Kept while it is away. */
  actorId: string | null
}

export interface AgentProbe {
  readonly status: AgentStatus
  /** Asks once; never throws. */
  look(signal?: AbortSignal): Promise<AgentStatus>
}

// Longer than a busy agent needs, shorter than the silence after which a node counts as lost.
const probeTimeoutMs = 900

export function createAgentProbe(client: CorrosionClient, log: Logger): AgentProbe {
  let status: AgentStatus = {
    state: 'unreachable',
    stateSince: toTimestamp(nowMicroseconds()),
    actorId: null,
  }
  const change = (state: AgentState, actorId: string | null): void => {
    if (status.state !== state || status.actorId !== actorId) {
      log.info({ state, actorId }, 'agent state changed')
      status = { state, stateSince: toTimestamp(nowMicroseconds()), actorId }
    }
  }
  return {
    get status() {
      return status
    },
    async look(signal) {
      try {
        change('ready', await client.actorId({ signal, timeoutMs: probeTimeoutMs }))
      } catch (err) {
        log.debug({ err }, 'agent does not answer')
        change('unreachable', status.actorId)
      }
      return status
    },
  }
}
