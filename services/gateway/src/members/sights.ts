import type { ClusterMember, Sight, SwimState } from '@corroport/contracts'
import { addressOf, type Identity, identify } from './identities.ts'
import { recentSwim } from './said-view.ts'
import type { MemberSources } from './sources.ts'

/** What the SWIM of one other node has. */
export interface Sighting {
  by: string
  states: ReadonlyMap<Identity, SwimState>
}

/** By the newest actor id of a member; by its address where no actor id was ever told. */
export function gatherSightings(
  identities: readonly Identity[],
  { nodeId, views }: MemberSources,
): Sighting[] {
  const byActor = new Map<string, Identity>()
  const byAddress = new Map<string | null, Identity>()
  for (const identity of identities) {
    const [actorId] = identity.actorIds
    if (actorId === undefined) byAddress.set(addressOf(identity), identity)
    else byActor.set(actorId, identity)
  }
  return views.flatMap((said) => {
    const by = said.view.nodeId
    const swim = recentSwim(said)
    if (by === nodeId || !swim) return []
    const states = new Map<Identity, SwimState>()
    for (const { actorId, address, state } of swim.members) {
      const seen = byActor.get(actorId) ?? byAddress.get(address)
      if (seen && !states.has(seen)) states.set(seen, state)
    }
    return { by, states }
  })
}

/** No node sees itself: SWIM never lists the agent that is asked. */
export function countSights(
  identity: Identity,
  sightings: readonly Sighting[],
): ClusterMember['swim']['seen_by'] {
  const counts = { alive: 0, suspect: 0, down: 0, unlisted: 0 }
  for (const { by, states } of sightings) {
    if (by !== identity.nodeId) counts[states.get(identity) ?? 'unlisted'] += 1
  }
  return counts
}

/** How every other node sees a member, this node first; nothing where there is no such member. */
export function describeSights(id: string, sources: MemberSources): Sight[] | undefined {
  const identities = identify(sources)
  const seen = identities.find(({ nodeId }) => nodeId === id)
  if (!seen) return undefined
  const states = new Map(
    gatherSightings([seen], sources).map((sighting) => [
      sighting.by,
      sighting.states.get(seen) ?? ('unlisted' as const),
    ]),
  )
  if (sources.swim.isRecent) states.set(sources.nodeId, seen.swim?.state ?? 'unlisted')
  const isLocal = (nodeId: string): number => Number(nodeId === sources.nodeId)
  return identities
    .flatMap(({ nodeId }) => (nodeId === null || nodeId === id ? [] : nodeId))
    .toSorted((a, b) => isLocal(b) - isLocal(a))
    .map((nodeId) => ({ node_id: nodeId, state: states.get(nodeId) ?? null }))
}
