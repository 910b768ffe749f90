import type { ClusterMember, SwimState } from '@corroport/contracts'

/** Names a member, also one whose node is not known. */
export function keyOf(member: ClusterMember): string {
  return member.node_id ?? member.actor_id ?? member.gossip_address ?? 'unknown'
}

/** Those that contain the text, with those the sources disagree on first. */
export function selectMembers(
  members: readonly ClusterMember[],
  { q = '', only }: { q?: string | undefined; only?: 'disagreeing' | undefined },
): ClusterMember[] {
  const wanted = q.trim().toLowerCase()
  return members
    .filter((member) => only === undefined || !member.is_agreed)
    .filter((member) => wanted === '' || textOf(member).includes(wanted))
    .toSorted(
      (a, b) =>
        Number(a.is_agreed) - Number(b.is_agreed) ||
        keyOf(a).localeCompare(keyOf(b), 'en', { numeric: true }),
    )
}

function textOf({ node_id, actor_id, gossip_address, region, state }: ClusterMember): string {
  return [node_id, actor_id, gossip_address, region, state].join(' ').toLowerCase()
}

export interface Sight {
  node_id: string
  /** Null: its SWIM does not list the member. */
  state: SwimState | null
}

/** How each other node sees a member, the one of this gateway first. */
export function sightsOf(
  { node_id, is_local, swim }: ClusterMember,
  members: readonly ClusterMember[],
): Sight[] {
  const states = new Map(swim.seen_by.map((sight) => [sight.node_id, sight.state]))
  const local = members.find((member) => member.is_local)?.node_id
  if (local && !is_local && swim.state !== null) states.set(local, swim.state)
  const others = members.flatMap((member) =>
    member.node_id === null || member.node_id === node_id ? [] : [member.node_id],
  )
  return [...new Set([...others, ...states.keys()])]
    .map((id) => ({ node_id: id, state: states.get(id) ?? null }))
    .toSorted((a, b) => Number(b.node_id === local) - Number(a.node_id === local))
}

/** `3 alive, 1 down`: how often each state is seen, the most frequent first. */
export function countSights(seenBy: ClusterMember['swim']['seen_by']): string {
  const counts = new Map<string, number>()
  for (const { state } of seenBy) counts.set(state, (counts.get(state) ?? 0) + 1)
  return [...counts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')
}

export function medianOf(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? null
}
