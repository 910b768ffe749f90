import type { ClusterMember, Disagreement, SwimMember } from '@corroport/contracts'
import { type Canary, disagreementsOf } from './disagreements.ts'
import { addressOf, type Identity, identify } from './identities.ts'
import type { MemberSources } from './sources.ts'

/** One list of members by their identity, and where the sources disagree. */
export function mergeMembers(sources: MemberSources): {
  members: ClusterMember[]
  disagreements: Disagreement[]
} {
  const identities = identify(sources)
  const merged = identities.map((identity) => {
    const canary = canaryOf(identity, sources)
    const found = disagreementsOf(identity, canary, identities, sources)
    const member = describe(identity, canary, found.length === 0, sources)
    const { node_id, actor_id } = member
    return { member, disagreements: found.map((one) => ({ node_id, actor_id, ...one })) }
  })
  return {
    members: merged.map(({ member }) => member),
    disagreements: merged.flatMap(({ disagreements }) => disagreements),
  }
}

function describe(
  identity: Identity,
  canary: Canary,
  isAgreed: boolean,
  sources: MemberSources,
): ClusterMember {
  const { nodeId, heard, row, declared, actorIds, swim } = identity
  const said = heard?.announcement
  const isPresent = heard?.presence === 'present'
  return {
    node_id: nodeId,
    actor_id: actorIds[0] ?? swim?.actorId ?? null,
    former_actor_ids: actorIds.slice(1),
    gossip_address: addressOf(identity),
    region: said?.region ?? row?.region ?? declared?.region ?? null,
    is_local: nodeId === sources.nodeId,
    // A row may have come after the node's last word, as when it left while NATS was away.
    state: (isPresent ? said?.state : (row?.state ?? said?.state)) ?? null,
    declared: {
      is_declared: declared !== undefined,
      source: declared ? sources.declared.source : null,
    },
    nats: {
      presence: heard?.presence ?? 'unheard',
      age_ms: heard ? Math.round(heard.ageMs) : null,
    },
    agent: {
      state: said?.agent.state ?? null,
      since: said?.agent.stateSince ?? null,
      kind: said?.agent.kind ?? null,
      version: said?.agent.version ?? null,
    },
    swim: {
      ...describeSwim(swim, sources.swim),
      seen_by: seenBy(identity, sources),
    },
    link: {
      state: canary.state,
      canary_age_ms: canary.ageMs === null ? null : Math.round(canary.ageMs),
      partitioned_from: canary.partitionedFrom,
    },
    is_agreed: isAgreed,
  }
}

function describeSwim(
  swim: SwimMember | undefined,
  { source, ageMs }: MemberSources['swim'],
): Omit<ClusterMember['swim'], 'seen_by'> {
  return {
    state: swim?.state ?? null,
    source: swim ? source : null,
    age_ms: swim && ageMs !== null ? Math.round(ageMs) : null,
    incarnation: swim?.incarnation ?? null,
    ring: swim?.ring ?? null,
    rtts_ms: swim?.rttsMs ?? [],
    last_sync_at: swim?.lastSyncAt ?? null,
  }
}

/** By its newest actor id; by its address where no actor id was ever told. */
function seenBy(
  identity: Identity,
  { nodeId, views }: MemberSources,
): ClusterMember['swim']['seen_by'] {
  const actorId = identity.actorIds[0]
  const address = addressOf(identity)
  return views.flatMap(({ view }) => {
    if (view.nodeId === nodeId || view.nodeId === identity.nodeId) return []
    const seen = view.swim.members.find((member) =>
      actorId === undefined ? member.address === address : member.actorId === actorId,
    )
    return seen ? [{ node_id: view.nodeId, state: seen.state }] : []
  })
}

function canaryOf({ nodeId: id }: Identity, { nodeId, views }: MemberSources): Canary {
  const seen = views.flatMap(({ view, ageMs }) =>
    view.canaries
      .filter((canary) => canary.nodeId === id)
      .map((canary) => ({ ...canary, by: view.nodeId, ageMs: canary.ageMs + ageMs })),
  )
  const own = seen.find(({ by }) => by === nodeId)
  return {
    state: own?.link ?? 'unknown',
    ageMs: own && own.sequence > 0 ? own.ageMs : null,
    partitionedFrom: seen
      .filter(({ by, link }) => by !== nodeId && link === 'partitioned?')
      .map(({ by }) => by)
      .toSorted(),
  }
}
