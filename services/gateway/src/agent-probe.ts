import { setTimeout as wait } from 'node:timers/promises'
import { messageOf } from '@corroport/bus'
import type { AgentState } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'

export interface AgentStatus {
  state: AgentState
  actorId: string | null
  answeredInMs: number | null
  error: string | null
}

export interface AgentProbe {
  readonly status: AgentStatus
  /** Asks the agent now. */
  look(): Promise<AgentStatus>
  /** Asks every two seconds until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>
}

const intervalMs = 2000
const timeoutMs = 1500

export function createAgentProbe(agent: CorrosionClient): AgentProbe {
  let status: AgentStatus = {
    state: 'unreachable',
    actorId: null,
    answeredInMs: null,
    error: 'not asked yet',
  }
  const look = async (): Promise<AgentStatus> => {
    const start = performance.now()
    try {
      const actorId = await agent.actorId({ timeoutMs })
      status = { state: 'ready', actorId, answeredInMs: performance.now() - start, error: null }
    } catch (error) {
      status = {
        state: 'unreachable',
        actorId: status.actorId,
        answeredInMs: null,
        error: messageOf(error),
      }
    }
    return status
  }
  return {
    get status() {
      return status
    },
    look,
    async run(signal) {
      while (!signal.aborted) {
        await look()
        await wait(intervalMs, undefined, { signal }).catch(() => undefined)
      }
    },
  }
}
