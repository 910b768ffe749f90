import type {
  DeclaredNode,
  NodeAnnounced,
  NodeState,
  Presence,
  SwimMember,
} from '@corroport/contracts'
import type { SaidView } from './said-view.ts'

/** What a node says of itself in the replicated table, which may be long ago. */
export interface NodeRow {
  nodeId: string
  actorId: string | null
  region: string | null
  state: NodeState | null
}

export interface HeardNode {
  announcement: NodeAnnounced
  /** Newest first. */
  actorIds: readonly string[]
  presence: Presence
  ageMs: number
}

/** Everything that is known at one moment, each thing by its own source. */
export interface MemberSources {
  nodeId: string
  declared: { source: string; nodes: readonly DeclaredNode[] }
  heard: readonly HeardNode[]
  rows: readonly NodeRow[]
  /** As this node's own agent has it. */
  swim: {
    source: string
    ageMs: number | null
    members: readonly SwimMember[]
    /** Young enough to be held against what NATS says. */
    isRecent: boolean
  }
  /** Of nodes that were removed; SWIM remembers them for two days. */
  removedActorIds: ReadonlySet<string>
  /** What nodes said lately that they see, this one included. */
  views: readonly SaidView[]
  isNatsConnected: boolean
}
