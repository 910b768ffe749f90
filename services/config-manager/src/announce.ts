import { statSync } from 'node:fs'
import type { Bus } from '@corroport/bus'
import { type AgentState, nodeAnnounced, nowMicroseconds, toTimestamp } from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import { version } from '@corroport/service'
import type { Logger } from 'pino'
import type { AgentControl } from './agent/agent-control.ts'
import { type AgentBuild, readAgentBuild } from './agent-build.ts'
import type { AgentProbe, AgentStatus } from './agent-probe.ts'
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
  agent: Pick<CorrosionClient, 'kind'>
  bus: Bus
  probe: AgentProbe
  changes: Pick<ConfigChanges, 'read'>
  toldAddress?: () => string | null
  control: Pick<AgentControl, 'phase'>
  own: Pick<OwnState, 'current'>
  log: Logger
}

const buildLastsMs = 10_000

/** Says again and again that this node is here, who it is, and how its agent does. */
export function startAnnouncing(deps: AnnouncingDeps): AsyncDisposable {
  const { identity, everyMs, bus, probe, control, own, log } = deps
  const { nodeId, instanceId, region, publicKey, endpoints, agentUrl } = identity
  const startedAt = toTimestamp(nowMicroseconds())

  const gossip = createGossipLook(deps)
  const build = createBuildLook(deps)
  // An agent that is away on purpose is not lost.
  const stateNow = (probed: AgentState): AgentState =>
    probed === 'unreachable' && control.phase === 'restarting' ? 'restarting' : probed

  return repeat(everyMs, log, async (signal) => {
    const status = await probe.look(signal)
    const { state, stateSince, actorId } = status
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
      agent: {
        state: stateNow(state),
        stateSince,
        actorId,
        url: agentUrl,
        ...(await build(status)),
      },
      startedAt,
      announcedAt: toTimestamp(nowMicroseconds()),
    }
    bus.hint(nodeAnnounced, { nodeId }, announcement)
  })
}

/** What the agent tells; of its file, which is read again when it is another file or changed. */
function createGossipLook({
  configPath,
  changes,
  toldAddress,
}: AnnouncingDeps): () => string | null {
  let read: { stamp: string; address: string | null } | undefined
  return () => {
    try {
      // A change of permissions moves ctime too.
      const { ino, size, ctimeMs } = statSync(configPath)
      const stamp = `${ino} ${size} ${ctimeMs} ${toldAddress?.() ?? ''}`
      if (read?.stamp !== stamp) read = { stamp, address: changes.read().gossip_address }
      return read.address
    } catch {
      return null // unreadable: whoever changes the file is told so
    }
  }
}

/** Asked again when the agent came back, and now and then: it may have come back between two looks. */
function createBuildLook(deps: AnnouncingDeps): (status: AgentStatus) => Promise<AgentBuild> {
  let known: { build: AgentBuild; since: string; readAt: number } | undefined
  return async ({ state, stateSince }) => {
    const now = performance.now()
    const isKnown = known?.since === stateSince && now - known.readAt < buildLastsMs
    if (state === 'ready' && !isKnown) {
      known = { build: await readAgentBuild(deps), since: stateSince, readAt: now }
    }
    return known?.build ?? {}
  }
}
