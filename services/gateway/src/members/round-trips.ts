import type {
  ClusterMember,
  NodeViewed,
  RoundTrip,
  RoundTripsReply,
  SwimMember,
} from '@corroport/contracts'

type RoundTrips = Pick<RoundTripsReply, 'nodes' | 'round_trips' | 'mean_ms' | 'deviation_ms'>

/** What the SWIM of each node measured to each other one: actors and addresses put to their nodes. */
export function measureRoundTrips(
  members: readonly ClusterMember[],
  views: readonly { view: NodeViewed; ageMs: number }[],
): RoundTrips {
  const nodes = members.flatMap(({ node_id: nodeId, ...member }) =>
    nodeId === null ? [] : [{ nodeId, ...member }],
  )
  const viewOf = new Map(views.map((heard) => [heard.view.nodeId, heard]))
  const cells = nodes.flatMap((from) => {
    const seen = viewOf.get(from.nodeId)?.view.swim.members ?? []
    return nodes
      .filter((to) => to !== from)
      .map((to) => describe(from.nodeId, to.nodeId, findMember(seen, to)))
  })
  const measured = cells.flatMap(({ rtt_ms }) => rtt_ms ?? [])
  return {
    nodes: nodes.map(({ nodeId, region }) => {
      const heard = viewOf.get(nodeId)
      return {
        node_id: nodeId,
        region,
        age_ms: heard ? Math.round(heard.ageMs) : null,
        error: heard ? errorOf(heard.view.swim) : 'it has not said what it sees',
      }
    }),
    round_trips: cells,
    ...spreadOf(measured),
  }
}

function errorOf({ source, error }: NodeViewed['swim']): string | null {
  if (error !== null) return error
  if (source === 'admin-socket') return null
  return source === 'table' ? 'its admin socket is not read: no round trips' : 'it sees no SWIM'
}

/** By its newest actor id; an agent that was wiped and has not told its new one, by its address. */
function findMember(
  seen: readonly SwimMember[],
  {
    actor_id,
    former_actor_ids,
    gossip_address,
  }: Readonly<Pick<ClusterMember, 'actor_id' | 'former_actor_ids' | 'gossip_address'>>,
): SwimMember | undefined {
  return (
    seen.find(({ actorId }) => actorId === actor_id) ??
    seen.find(
      ({ actorId, address }) => address === gossip_address && !former_actor_ids.includes(actorId),
    )
  )
}

function describe(from: string, to: string, member: SwimMember | undefined): RoundTrip {
  const rtts = member?.rttsMs ?? []
  return {
    from,
    to,
    rtt_ms: medianOf(rtts),
    samples: rtts.length,
    ring: member?.ring ?? null,
    state: member?.state ?? null,
  }
}

// Nearest rank, as every percentile of the project.
function medianOf(values: readonly number[]): number | null {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length / 2) - 1] ?? null
}

function spreadOf(values: readonly number[]): Pick<RoundTrips, 'mean_ms' | 'deviation_ms'> {
  if (values.length === 0) return { mean_ms: null, deviation_ms: null }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean_ms: mean, deviation_ms: Math.sqrt(squares / values.length) }
}
