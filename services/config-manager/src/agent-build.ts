import type { NodeAnnounced } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Logger } from 'pino'
import { readAgentFile } from './samples/agent-file.ts'
import { findVersion, readPrometheus } from './samples/prometheus.ts'

/** Which program the agent is. What it does not tell is left out. */
export type AgentBuild = Pick<NodeAnnounced['agent'], 'kind' | 'version'>

const askWithinMs = 500

export async function readAgentBuild(deps: {
  agent: Pick<CorrosionClient, 'kind'>
  /** The file that it runs from. */
  configPath: string
  log: Logger
}): Promise<AgentBuild> {
  const { agent, configPath, log } = deps
  const untold = (err: unknown): undefined => {
    log.debug({ err }, 'agent does not tell what it is')
  }
  const kind = await agent.kind({ timeoutMs: askWithinMs }).catch(untold)
  // A development agent has the version of CorroPort.
  const version = kind === 'real' ? await readVersion(configPath).catch(untold) : undefined
  return { ...(kind && { kind }), ...(version !== undefined && { version }) }
}

async function readVersion(configPath: string): Promise<string | undefined> {
  const { prometheusAddr } = await readAgentFile(configPath)
  if (prometheusAddr === undefined) return undefined
  return findVersion(await readPrometheus(prometheusAddr, AbortSignal.timeout(askWithinMs)))
}
