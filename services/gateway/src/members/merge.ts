import type { ClusterMember, Disagreement, SwimMember } from '@corroport/contracts'
import { type Canary, disagreementsOf, gatherAnnounced } from './disagreements.ts'
import { addressOf, type Identity, identify } from './identities.ts'
import { countSights, gatherSightings } from './sights.ts'
import type { MemberSources } from './sources.ts'

/** One list of members by their identity, and where the sources disagree. */
export function mergeMembers(sources: MemberSources): {
  members: ClusterMember[]
  disagreements: Disagreement[]
} {
  const identities = identify(sources)
  const sightings = gatherSightings(identities, sources)
  const canaryOf = gatherCanaries(sources)
  const announced = gatherAnnounced(identities)
  const merged = identities.map((identity) => {
    const canary = canaryOf(identity)
    const found = disagreementsOf(identity, canary, announced, sources)
    const seenBy = countSights(identity, sightings)
    const member = describe(identity, { canary, seenBy, isAgreed: found.length === 0 }, sources)
    const { node_id, actor_id } = member
    return { member, disagreements: found.map((one) => ({ node_id, actor_id, ...one })) }
  })
  return {
    members: merged.map(({ member }) => member),
    disagreements: merged.flatMap(({ disagreements }) => disagreements),
  }
}

interface Judgement {
  canary: Canary
  seenBy: ClusterMember['swim']['seen_by']
  isAgreed: boolean
}

function describe(
  identity: Identity,
  { canary, seenBy, isAgreed }: Judgement,
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
      seen_by: seenBy,
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

/** Of the canaries of each node, by one pass over what all others say. */
function gatherCanaries({ nodeId, views }: MemberSources): (of: Identity) => Canary {
  const own = views.find(({ view }) => view.nodeId === nodeId)
  const ownById = new Map(own?.view.canaries.map((canary) => [canary.nodeId, canary]))
  const missedBy = new Map<string, string[]>()
  for (const { view } of views) {
    if (view === own?.view) continue
    for (const canary of view.canaries) {
      if (canary.link !== 'partitioned?') continue
      const missing = missedBy.get(canary.nodeId) ?? []
      missedBy.set(canary.nodeId, missing)
      missing.push(view.nodeId)
    }
  }
  return ({ nodeId: id }) => {
    if (id === null) return { state: 'unknown', ageMs: null, partitionedFrom: [] }
    const seen = ownById.get(id)
    return {
      state: seen?.link ?? 'unknown',
      ageMs: own && seen && seen.sequence > 0 ? seen.ageMs + own.ageMs : null,
      partitionedFrom: (missedBy.get(id) ?? []).toSorted(),
    }
  }
}
