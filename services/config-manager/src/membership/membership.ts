import type { Bus, StateFile } from '@corroport/bus'
import {
  canaryTouched,
  type NodeViewed,
  nodeViewed,
  nowMicroseconds,
  toTimestamp,
} from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Directory, Views } from '@corroport/identity'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { repeat } from '../repeat.ts'
import { createCanaries } from './canary.ts'
import { discoveryMigration, startDiscovery } from './discovery.ts'
import { createHearing } from './hearing.ts'
import { createLinkWatch, type Watched } from './links.ts'
import { createCanaryMetrics } from './metrics.ts'
import { lookAtReplication } from './replication.ts'
import type { MembershipSettings } from './settings.ts'
import { natsStandings, swimStandings } from './standings.ts'
import { createSwimLook } from './swim.ts'
import { createTransitions, transitionsMigration } from './transitions.ts'

export const migrations = [discoveryMigration, transitionsMigration]

export interface MembershipDeps {
  nodeId: string
  settings: MembershipSettings
  agent: CorrosionClient
  bus: Bus
  directory: Directory
  views: Views
  state: StateFile
  registry: Registry
  log: Logger
}

export interface Membership extends AsyncDisposable {
  declared(): NodeViewed['declared']
}

const lookEveryMs = 1000
const replicationEveryMs = 5000

/** Looks at the cluster each second, from this node, and says what it sees. */
export function startMembership(deps: MembershipDeps): Membership {
  const { nodeId, settings, agent, bus, directory, views, state, registry, log } = deps
  const swim = createSwimLook(settings.adminSocketPath, agent)
  const metrics = createCanaryMetrics(registry)
  const canaries = createCanaries({
    nodeId,
    agent,
    log,
    onCame: (afterSeconds) => metrics.came(afterSeconds),
  })
  const links = createLinkWatch()
  const transitions = createTransitions(nodeId, state)
  const hearing = createHearing(() => views.get(nodeId)?.ageMs())
  const discovery = startDiscovery({ settings: settings.discovery, agent, state, log })
  let replication: NodeViewed['replication'] = null

  const others = (): string[] => {
    const nodeIds = [
      ...discovery.declared.nodes.map((node) => node.nodeId),
      ...directory.nodes().map(({ announcement }) => announcement.nodeId),
    ]
    return [...new Set(nodeIds)]
      .filter((id) => id !== null)
      .filter((id) => id !== nodeId && directory.get(id)?.announcement.state !== 'left')
  }

  // Each canary reaches every node, so with more of them each comes less often.
  const canaryIntervalMs = (): number =>
    settings.canaryIntervalMs * Math.max(1, (others().length + 1) / 10)

  const watched = (id: string): Watched => {
    const announcement = directory.get(id)?.announcement
    const view = views.get(id)?.view
    const own = view?.canaries.find((canary) => canary.nodeId === id)
    const isExpected =
      hearing.isSure &&
      directory.presence(id) === 'present' &&
      announcement?.agent.state === 'ready' &&
      announcement.state === 'active'
    const intervalMs = view?.canaryIntervalMs ?? null
    if (!isExpected || own === undefined || intervalMs === null) {
      return { nodeId: id, said: undefined }
    }
    return { nodeId: id, said: { sequence: own.sequence, intervalMs } }
  }

  // What the table says may be older than what the socket said before it failed.
  const isSwimNew = (): boolean =>
    swim.swim.source === 'admin-socket' || settings.adminSocketPath === undefined

  const looking = repeat(lookEveryMs, log, async (signal) => {
    await Promise.all([swim.look(signal), canaries.look(signal)])
    if (signal.aborted) return
    const now = performance.now()
    hearing.look(now)
    const seen = links.look(
      canaries.rows,
      [...others().map(watched), { nodeId, said: undefined }],
      now,
    )
    transitions.noteLinks(seen)
    transitions.noteStandings([
      ...(isSwimNew() ? swimStandings(swim.swim.members, directory) : []),
      ...(hearing.isSure ? others().flatMap((id) => natsStandings(id, directory)) : []),
    ])
    bus.hint(
      nodeViewed,
      { nodeId },
      {
        nodeId,
        at: toTimestamp(nowMicroseconds()),
        swim: swim.swim,
        sync: swim.sync,
        replication,
        canaries: seen,
        canaryIntervalMs: settings.canaryIntervalMs === 0 ? null : canaryIntervalMs(),
        declared: discovery.declared,
      },
    )
  })

  const parts = [
    looking,
    repeat(replicationEveryMs, log, async (signal) => {
      replication = await lookAtReplication(agent, signal, log)
    }),
    bus.respond(canaryTouched, { nodeId }, async () => ({ sequence: await canaries.touch() })),
    discovery,
  ]
  if (settings.canaryIntervalMs > 0) {
    const touching = repeat(canaryIntervalMs, log, async (signal) => {
      // That the agent is away is told by whoever reads the rows.
      await canaries.touch(signal).catch((err: unknown) => log.debug({ err }, 'canary not written'))
    })
    parts.push(touching)
  }

  return {
    declared: () => discovery.declared,
    async [Symbol.asyncDispose]() {
      await Promise.all(parts.map((part) => part[Symbol.asyncDispose]()))
    },
  }
}
