import type { NodeAnnounced, NodeViewed, Presence, SwimMember } from '@corroport/contracts'
import { mergeMembers } from '../src/members/merge.ts'
import type { HeardNode, MemberSources } from '../src/members/sources.ts'

export const at = '2026-01-15T10:00:00.000000Z'
export const actor = (node: number, wipes = 0): string => `${node}${wipes}`.repeat(16)
export const address = (node: number): string => `10.0.0.${node}:8787`

interface HeardChange {
  presence?: Presence
  actorIds?: string[]
  gossip?: string
  state?: NodeAnnounced['state']
  agent?: NodeAnnounced['agent']['state']
}

export function heard(node: number, change: HeardChange = {}): HeardNode {
  const { presence = 'present', actorIds = [actor(node)], gossip = address(node) } = change
  return {
    announcement: {
      nodeId: `node${node}`,
      instanceId: `i${node}`,
      region: 'iad',
      publicKey: 'A'.repeat(43),
      endpoints: { api: '127.0.0.1:4001', peer: '127.0.0.1:5001', gossip },
      state: change.state ?? 'active',
      stateAt: at,
      version: '0.1.0',
      agent: {
        state: change.agent ?? 'ready',
        stateSince: at,
        actorId: actorIds[0] ?? null,
        url: 'http://127.0.0.1:8081',
      },
      startedAt: at,
      announcedAt: at,
    },
    actorIds,
    presence,
    ageMs: presence === 'present' ? 200.4 : 60_000,
  }
}

export const swim = (node: number, change: Partial<SwimMember> = {}): SwimMember => ({
  actorId: actor(node),
  address: address(node),
  state: 'alive',
  incarnation: 0,
  identifiedAt: '7710532660290802288',
  ring: 0,
  rttsMs: [1],
  lastSyncAt: null,
  ...change,
})

type Canary = NodeViewed['canaries'][number]
export const canary = (node: number, link: Canary['link'] = 'ok'): Canary => ({
  nodeId: `node${node}`,
  sequence: 7,
  ageMs: 500,
  link,
})

export const view = (node: number, members: SwimMember[], canaries: Canary[]) => ({
  view: {
    nodeId: `node${node}`,
    at,
    swim: { source: 'admin-socket' as const, takenAt: at, error: null, members },
    sync: null,
    replication: null,
    canaries,
    canaryIntervalMs: 2000,
    declared: { source: 'static' as const, nodes: [], takenAt: at, error: null },
  },
  ageMs: 100,
})

export const node = (nodeId: string) => ({ nodeId, address: null, region: null })

/** Three nodes that agree on everything, as node1 has them. */
export function sources(change: Partial<MemberSources> = {}): MemberSources {
  return {
    nodeId: 'node1',
    declared: { source: 'static', nodes: ['node1', 'node2', 'node3'].map(node) },
    heard: [heard(1), heard(2), heard(3)],
    rows: [1, 2, 3].map((number) => ({
      nodeId: `node${number}`,
      actorId: actor(number),
      region: 'iad',
      state: 'active',
    })),
    swim: { source: 'admin-socket', ageMs: 300, members: [swim(2), swim(3)], isRecent: true },
    views: [
      view(1, [swim(2), swim(3)], [canary(2), canary(3)]),
      view(2, [swim(1), swim(3)], [canary(1), canary(3)]),
    ],
    removedActorIds: new Set(),
    isNatsConnected: true,
    ...change,
  }
}

export const memberOf = (change: Partial<MemberSources>, nodeId: string | null) => {
  const found = mergeMembers(sources(change)).members.find((member) => member.node_id === nodeId)
  if (!found) throw new Error(`no member ${nodeId}`)
  return found
}
