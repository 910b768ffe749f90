import type { Bus } from '@corroport/bus'
import {
  type DeclaredNode,
  type MembersReply,
  type NodeViewed,
  nodeLostAfterMs,
  nowMicroseconds,
  type Sight,
  type SwimMember,
  toTimestamp,
} from '@corroport/contracts'
import type { CorrosionClient } from '@corroport/corrosion-client'
import type { Directory, Views } from '@corroport/identity'
import type { Roster } from '../roster.ts'
import { startSampler } from '../status/sampler.ts'
import { readMembers, readNodeRows } from './agent-tables.ts'
import { mergeMembers } from './merge.ts'
import { ageOf, recentMs } from './said-view.ts'
import { describeSights } from './sights.ts'
import type { MemberSources, NodeRow } from './sources.ts'

export interface MembersDeps {
  config: { nodeId: string; declaredNodes: readonly string[] }
  bus: Bus
  directory: Directory
  views: Views
  roster: Pick<Roster, 'isRemoved' | 'removedActorIds'>
  agent: CorrosionClient
}

/** Who belongs to the cluster, as each source has it. */
export interface Members extends AsyncDisposable {
  /** From memory, at once. */
  current(): MembersReply
  /** How every other node sees a member; nothing where there is no such member. */
  sightsOf(nodeId: string): Sight[] | undefined
}

export function startMembers(deps: MembersDeps): Members {
  const { config, bus, directory, views, roster, agent } = deps
  const { nodeId } = config
  const ownView = () => {
    const heard = views.get(nodeId)
    if (!heard) return undefined
    const ageMs = heard.ageMs()
    return { view: heard.view, ageMs, isRecent: ageMs <= nodeLostAfterMs }
  }
  const tables = startSampler({
    onLooked: () => undefined,
    look: async (signal): Promise<{ rows: NodeRow[]; swim: SwimMember[] | undefined }> => {
      // While the node's own word is heard, nobody needs the table.
      const isNeeded = ownView()?.isRecent !== true
      const [rows, swim] = await Promise.all([
        readNodeRows(agent, { signal }),
        isNeeded ? readMembers(agent, { signal }) : undefined,
      ])
      return { rows, swim }
    },
  })
  /** The node's own word; when it is not heard, the table; when that cannot be read, the last word. */
  const swimNow = () => {
    const own = ownView()
    const table = tables.read()
    const members = table.value?.swim
    if (!own?.isRecent && members) {
      return { source: 'table', ageMs: table.ageMs, error: null, members, isRecent: true }
    }
    if (!own) {
      return { source: 'none', ageMs: null, error: table.error, members: [], isRecent: false }
    }
    const { takenAt, ...swim } = own.view.swim
    const ageMs = ageOf(own, takenAt)
    return { ...swim, ageMs, isRecent: ageMs !== null && ageMs <= recentMs }
  }

  const sourcesNow = () => {
    const heard = directory.nodes().map((node) => ({
      announcement: node.announcement,
      actorIds: node.actorIds,
      presence: directory.presence(node.announcement.nodeId),
      ageMs: node.ageMs(),
    }))
    return {
      nodeId,
      declared: declaredNodes(config.declaredNodes, ownView()?.view.declared, roster),
      heard,
      rows: tables.read().lastFound?.rows ?? [],
      swim: swimNow(),
      removedActorIds: roster.removedActorIds,
      views: views
        .all()
        .map((one) => ({ view: one.view, ageMs: one.ageMs() }))
        .filter(({ ageMs }) => ageMs <= nodeLostAfterMs),
      isNatsConnected: bus.isConnected,
    } satisfies MemberSources
  }

  return {
    current() {
      const own = ownView()
      const sources = sourcesNow()
      const { declared, swim, heard } = sources
      return {
        ...mergeMembers(sources),
        sources: {
          declared: {
            source: declared.source,
            count: declared.nodes.length,
            age_ms: own ? rounded(ageOf(own, own.view.declared.takenAt)) : null,
            error: own?.view.declared.error ?? null,
          },
          swim: {
            source: swim.source,
            count: swim.members.length,
            age_ms: rounded(swim.ageMs),
            error: swim.error,
          },
          nats: {
            connected: bus.isConnected,
            count: heard.filter(({ presence }) => presence === 'present').length,
          },
        },
        node_id: nodeId,
        timestamp: toTimestamp(nowMicroseconds()),
      }
    },

    sightsOf: (id) => describeSights(id, sourcesNow()),

    [Symbol.asyncDispose]: () => tables[Symbol.asyncDispose](),
  }
}

/** What the gateway was told to expect, and what discovery found. */
function declaredNodes(
  nodeIds: readonly string[],
  found: NodeViewed['declared'] | undefined,
  { isRemoved }: Pick<Roster, 'isRemoved'>,
): { source: string; nodes: DeclaredNode[] } {
  const isGone = (id: string | null): boolean => id !== null && isRemoved(id)
  const nodes = (found?.nodes ?? []).filter((node) => !isGone(node.nodeId))
  const missing = nodeIds.filter((id) => !isGone(id) && !nodes.some((node) => node.nodeId === id))
  return {
    source: found?.source ?? 'static',
    nodes: [...nodes, ...missing.map((id) => ({ nodeId: id, address: null, region: null }))],
  }
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms)
}
