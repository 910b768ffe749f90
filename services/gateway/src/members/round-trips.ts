import { setImmediate } from 'node:timers/promises'
import type { ClusterMember, RoundTripsReply, SwimMember } from '@corroport/contracts'
import { recentSwim, type SaidView } from './said-view.ts'

type RoundTrips = Omit<RoundTripsReply, 'node_id' | 'timestamp'>
type KnownMember = ClusterMember & { node_id: string }

// 500 nodes have 250 000 links of 20 samples each; others are served between two rows.
const sliceMs = 10

/** What the SWIM of each node measured to each other one: actors and addresses put to their nodes. */
export async function measureRoundTrips(
  members: readonly ClusterMember[],
  views: readonly SaidView[],
): Promise<RoundTrips> {
  const nodes = members.filter((member): member is KnownMember => member.node_id !== null)
  const saidBy = new Map(views.map((said) => [said.view.nodeId, said]))
  const findMembers = createFinder(nodes)
  const rtt_ms: RoundTrips['rtt_ms'] = []
  const samples: RoundTrips['samples'] = []
  const not_alive: RoundTrips['not_alive'] = []
  let sliceBegan = performance.now()
  for (const [place, { node_id: from }] of nodes.entries()) {
    const said = saidBy.get(from)
    const swim = said && recentSwim(said)
    const row = findMembers(swim?.members ?? [])
    // An agent that was wiped finds its former self at its own address.
    row[place] = undefined
    rtt_ms.push(row.map((member) => (member ? medianOf(member.rttsMs) : null)))
    samples.push(row.map((member) => member?.rttsMs.length ?? 0))
    if (swim) not_alive.push(...notAlive(from, nodes, row))
    if (performance.now() - sliceBegan < sliceMs) continue
    await setImmediate()
    sliceBegan = performance.now()
  }
  return {
    nodes: nodes.map(({ node_id, region }) => {
      const said = saidBy.get(node_id)
      return {
        node_id,
        region,
        age_ms: said ? Math.round(said.ageMs) : null,
        error: said ? errorOf(said) : 'it has not said what it sees',
      }
    }),
    rtt_ms,
    samples,
    not_alive,
    ...spreadOf(rtt_ms.flat().filter((value) => value !== null)),
  }
}

function errorOf(said: SaidView): string | null {
  const { source, error } = said.view.swim
  if (error !== null) return error
  if (source === 'none') return 'it sees no SWIM'
  if (!recentSwim(said)) return 'it has not said lately what it sees'
  return source === 'table' ? 'its admin socket is not read: no round trips' : null
}

type Row = (SwimMember | undefined)[]

/** By its newest actor id; an agent that was wiped and has not told its new one, by its address. */
function createFinder(nodes: readonly KnownMember[]): (seen: readonly SwimMember[]) => Row {
  const byActor = new Map(nodes.map(({ actor_id }, place) => [actor_id, place]))
  const byAddress = new Map(nodes.map(({ gossip_address }, place) => [gossip_address, place]))
  return (seen) => {
    const row: Row = nodes.map(() => undefined)
    const rest: SwimMember[] = []
    for (const member of seen) {
      const place = byActor.get(member.actorId)
      if (place === undefined) rest.push(member)
      else row[place] = member
    }
    for (const member of rest) {
      const place = byAddress.get(member.address)
      if (place === undefined || nodes[place]?.former_actor_ids.includes(member.actorId)) continue
      row[place] ??= member
    }
    return row
  }
}

function notAlive(
  from: string,
  nodes: readonly KnownMember[],
  row: Readonly<Row>,
): RoundTrips['not_alive'] {
  const found = { suspect: [] as string[], down: [] as string[], unlisted: [] as string[] }
  for (const [place, { node_id }] of nodes.entries()) {
    const state = row[place]?.state ?? 'unlisted'
    if (state !== 'alive' && node_id !== from) found[state].push(node_id)
  }
  return (['suspect', 'down', 'unlisted'] as const)
    .map((state) => ({ from, state, to: found[state] }))
    .filter(({ to }) => to.length > 0)
}

// Nearest rank, as every percentile of the project; rounded to 0.01. For these at most 20, sorting
// by insertion takes a quarter of the time of `toSorted`.
function medianOf(values: readonly number[]): number | null {
  const sorted = values.slice()
  for (let index = 1; index < sorted.length; index += 1) {
    const value = sorted[index] ?? 0
    let place = index
    for (; place > 0; place -= 1) {
      const before = sorted[place - 1] ?? 0
      if (before <= value) break
      sorted[place] = before
    }
    sorted[place] = value
  }
  const median = sorted[Math.ceil(sorted.length / 2) - 1]
  return median === undefined ? null : Math.round(median * 100) / 100
}

function spreadOf(values: readonly number[]): Pick<RoundTrips, 'mean_ms' | 'deviation_ms'> {
  if (values.length === 0) return { mean_ms: null, deviation_ms: null }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean_ms: mean, deviation_ms: Math.sqrt(squares / values.length) }
}
