import type { ClusterMember } from '@corroport/contracts'

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

/** `3 alive, 1 down`: how often each state is seen, the most frequent first. */
export function countSights(seenBy: ClusterMember['swim']['seen_by']): string {
  return Object.entries(seenBy)
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')
}

export function medianOf(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? null
}
