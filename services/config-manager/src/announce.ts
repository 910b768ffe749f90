import { statSync } from 'node:fs'
import type { Bus } from '@corroport/bus'
import { type AgentState, nodeAnnounced, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import { version } from '@corroport/service'
import type { Logger } from 'pino'
import type { AgentControl } from './agent/agent-control.ts'
import type { AgentProbe } from './agent-probe.ts'
import type { ConfigChanges } from './change/config-changes.ts'
import type { OwnState } from './lifecycle/node-state.ts'
import { repeat } from './repeat.ts'

export interface AnnouncingDeps {
  identity: {
    nodeId: string
    instanceId: string
    region: string
    publicKey: string
    endpoints: { api: string; peer: string }
    agentUrl: string
  }
  everyMs: number
  /** The file that `changes` reads. */
  configPath: string
  bus: Bus
  probe: AgentProbe
  changes: Pick<ConfigChanges, 'read'>
  control: Pick<AgentControl, 'phase'>
  own: Pick<OwnState, 'current'>
  log: Logger
}

/** Says again and again that this node is here, who it is, and how its agent does. */
export function startAnnouncing(deps: AnnouncingDeps): AsyncDisposable {
  const { identity, everyMs, bus, probe, control, own, log } = deps
  const { nodeId, instanceId, region, publicKey, endpoints, agentUrl } = identity
  const startedAt = toTimestamp(nowMicroseconds())

  const gossip = createGossipLook(deps)
  // An agent that is away on purpose is not lost.
  const stateNow = (probed: AgentState): AgentState =>
    probed === 'unreachable' && control.phase === 'restarting' ? 'restarting' : probed

  return repeat(everyMs, log, async (signal) => {
    const { state, stateSince, actorId } = await probe.look(signal)
    const { current } = own
    const announcement = {
      nodeId,
      instanceId,
      region,
      publicKey,
      endpoints: { ...endpoints, gossip: gossip() },
      state: current.state,
      stateAt: current.since,
      version,
      agent: { state: stateNow(state), stateSince, actorId, url: agentUrl },
      startedAt,
      announcedAt: toTimestamp(nowMicroseconds()),
    }
    bus.hint(nodeAnnounced, { nodeId }, announcement)
  })
}

/** The gossip address in the agent's file, which is read again when it is another file or changed. */
function createGossipLook({ configPath, changes }: AnnouncingDeps): () => string | null {
  let read: { stamp: string; address: string | null } | undefined
  return () => {
    try {
      // A change of permissions moves ctime too.
      const { ino, size, ctimeMs } = statSync(configPath)
      const stamp = `${ino} ${size} ${ctimeMs}`
      if (read?.stamp !== stamp) read = { stamp, address: changes.read().gossip_address }
      return read.address
    } catch {
      return null // unreadable: whoever changes the file is told so
    }
  }
}
